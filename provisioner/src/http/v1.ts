// The full API: sandboxes with environment, secrets, labels and timeouts, for those who have an API key.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";

import type { Front } from "../clusters/front.js";
import type { Caller, Keys } from "../config/keys.js";
import { SandboxError, unknownEnvironment } from "../core/errors.js";
import type { Shares } from "../core/shares.js";
import type { Tokens } from "../core/tokens.js";
import type { MountSettings } from "../model/deerflow-mounts.js";
import { askedVolumes, mountsOf } from "../model/mounts.js";
import { parseLabelSelector } from "../model/label-selector.js";
import { idOfKey, isFromPool, randomId, sandboxIdPattern } from "../model/names.js";
import type { Sandbox } from "../model/sandbox.js";
import { highestLimits, namedAmounts, runtimesFor } from "../model/size.js";
import { fieldErrors, withValues, type Hidden } from "../model/validation.js";
import { guard, isStillKnown } from "./auth.js";
import { createBody, rulesBody, shareBodies } from "./body-limit.js";
import { clientStatus } from "./deerflow.js";
import { sendEvents } from "./events.js";
import { sendLogs } from "./logs.js";
import type { OpenStreams } from "./open-streams.js";
import { problem, sandboxProblem, unreadable } from "./problems.js";
import type { RateLimits } from "./rate-limits.js";
import * as schemas from "./v1-schemas.js";

/** What the routes need. */
export interface V1Options extends Front {
  readonly keys: Keys;
  readonly limits: RateLimits;
  readonly bodies: Shares;
  readonly tokens: Tokens;
  readonly events: OpenStreams;
  readonly logs: Shares;
  readonly settings: V1Settings;
}

/** What is taken where a request says nothing. */
export interface V1Settings {
  readonly environment: string;
  readonly softSeconds: number;
  readonly hardSeconds: number;
  /** Where skills and users' data are. */
  readonly mounts: MountSettings;
}

const logBytes = 4 * 1024 * 1024;

/** A request that is wrong in some fields. */
class BadRequest extends Error {
  override readonly name = "BadRequest";

  constructor(readonly errors: { field: string; message: string }[]) {
    super("the request is wrong");
  }
}

/** Registers the routes below `/v1`. */
export function v1(app: FastifyInstance, options: V1Options): void {
  const { sandboxes, directory, refusals, environments, poolSizes, idleClaims, endpoints, tokens } = options;
  const { activity, settings } = options;
  guard(app, options.keys, options.limits, {
    unknown: (reply) =>
      problem(
        reply.header("www-authenticate", "X-API-Key"),
        401,
        "Unauthorized",
        "give an API key in the header X-API-Key",
      ),
    tooMany: (reply, detail) => problem(reply, 429, "Too many requests", detail),
  });
  shareBodies(app, options.bodies, (reply, detail) => problem(reply, 503, "Too much at once", detail));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((_, reply) => problem(reply, 404, "Not found"));

  app.post("/sandboxes", { bodyLimit: createBody }, async (request, reply) => {
    const given = read(schemas.createSchema, request.body ?? {});
    const { "Idempotency-Key": key } = read(schemas.createHeaders, {
      "Idempotency-Key": request.headers["idempotency-key"],
    });
    if (given.id !== undefined && key !== undefined)
      throw new BadRequest([
        { field: "Idempotency-Key", message: "must be absent with id, which does the same" },
      ]);
    const { tenant, quota, bounds } = request.caller;
    const id = given.id ?? (key === undefined ? randomId() : idOfKey(tenant, key));
    const environment = permitted(request.caller, given.environment ?? settings.environment);
    const hardSeconds = within(given.hardTimeoutSeconds, settings.hardSeconds, "hardTimeoutSeconds");
    const softSeconds = within(
      given.softTimeoutSeconds,
      hardSeconds,
      "softTimeoutSeconds",
      settings.softSeconds,
    );
    const asked = { skills: given.skills ?? false, userData: given.userData };
    const { softTimeoutSeconds, idleTimeoutSeconds, hardTimeoutSeconds } = given;
    const timeouts = { softTimeoutSeconds, idleTimeoutSeconds, hardTimeoutSeconds };
    const { volumes, problems } = askedVolumes(settings.mounts, tenant, asked);
    if (problems.length > 0) throw new BadRequest(problems);
    const { sandbox, existed } = await sandboxes.create({
      request: {
        id,
        tenant,
        environment,
        egress: given.egress,
        ...(given.network === undefined
          ? {}
          : { network: { allow: given.network.allow ?? [], deny: given.network.deny ?? [] } }),
        resources: given.resources,
        runtime: given.runtime,
        labels: given.labels ?? {},
        env: given.env ?? {},
        secrets: given.secrets ?? {},
        lifetime: { softSeconds, idleSeconds: idleTimeoutSeconds, hardSeconds },
        guarded: true,
        deerflow: false,
        identity: { timeouts, ...(volumes.length === 0 ? {} : asked) },
        mounts: mountsOf(volumes, given.userData),
      },
      volumes,
      quota,
      fresh: given.id === undefined && key === undefined,
      bounds,
    });
    activity.touch(sandbox);
    request.log.info({ sandbox: id, tenant, state: sandbox.state, pod: sandbox.podName, existed }, "created");
    void reply.header("location", `/v1/sandboxes/${id}`);
    return reply.code(existed ? 200 : 201).send(described(sandbox));
  });

  app.get("/sandboxes", (request) => {
    const { labels, limit, after } = read(schemas.listQuery, request.query);
    const selects = labels === undefined ? () => true : parseLabelSelector(labels);
    if (selects === undefined)
      throw new BadRequest([
        {
          field: "labels",
          message: `is ${JSON.stringify(labels)}, but must be key=value, key!=value, key or !key, separated by commas`,
        },
      ]);
    const rest = sandboxes
      .list(request.caller.tenant)
      .filter((sandbox) => (after === undefined || sandbox.id > after) && selects(sandbox.labels));
    const items = rest.slice(0, limit);
    const next = rest.length > limit ? items.at(-1)?.id : undefined;
    return { items: items.map(described), ...(next === undefined ? {} : { next }) };
  });

  app.get("/sandboxes/:id", async (request) => {
    return described(await named(request));
  });

  app.delete("/sandboxes/:id", async (request, reply) => {
    const { id } = read(schemas.idParameters, request.params);
    const { tenant } = request.caller;
    const existed = sandboxIdPattern.test(id) && (await sandboxes.delete(tenant, id));
    if (!existed) throw new SandboxError("not-found", "there is no such sandbox");
    request.log.info({ sandbox: id, tenant }, "deleted");
    return reply.code(204).send();
  });

  app.post("/sandboxes/:id/extend", async (request) => {
    const { id } = await named(request);
    const { seconds } = read(schemas.extendSchema, request.body ?? {});
    return described(await sandboxes.extend(request.caller.tenant, id, seconds));
  });

  app.patch("/sandboxes/:id/network", { bodyLimit: rulesBody }, async (request) => {
    const { id } = await named(request);
    const change = read(schemas.networkSchema, request.body ?? {});
    return described(await sandboxes.setNetwork(request.caller.tenant, id, change));
  });

  app.get("/sandboxes/:id/logs", async (request, reply) => {
    const { id } = await named(request);
    const { tailLines } = read(schemas.logsQuery, request.query);
    return sendLogs(options.logs, request, reply, () =>
      sandboxes.logs(request.caller.tenant, id, tailLines, logBytes),
    );
  });

  // Of a stream, HEAD would wait for the end.
  app.get("/sandboxes/:id/events", { exposeHeadRoute: false }, async (request, reply) => {
    const sandbox = await named(request);
    const allowed = (): boolean => isStillKnown(request, options.keys);
    sendEvents(options.events, { directory, refusals, allowed }, sandbox, described, request, reply);
    return reply;
  });

  app.get("/environments", (request) => ({
    items: environments
      .all()
      .filter(({ name }) => request.caller.environments?.has(name) !== false)
      .map((environment) => {
        const { name, image, egress, resources, runtimeClassName, pool } = environment;
        return {
          ...{ name, image, egress, runtime: runtimeClassName },
          limits: namedAmounts(resources.limits),
          requests: namedAmounts(resources.requests),
          maxResources: highestLimits(environment, request.caller.bounds),
          runtimes: [...runtimesFor(environment, request.caller.bounds)],
          pool: {
            size: poolSizes.size(name),
            ready: idleClaims.ready(name),
            autoscaling: pool.autoscaling && { min: pool.size, ...pool.autoscaling },
          },
        };
      }),
  }));

  /** The sandbox that a call names: to name it is to use it. */
  async function named(request: FastifyRequest): Promise<Sandbox> {
    const { id } = read(schemas.idParameters, request.params);
    const sandbox = await sandboxes.find(request.caller.tenant, id);
    activity.touch(sandbox);
    return sandbox;
  }

  function described(sandbox: Sandbox): schemas.SandboxBody {
    return {
      id: sandbox.id,
      state: sandbox.state,
      reason: sandbox.state === "failed" ? sandbox.reason : undefined,
      environment: sandbox.environment,
      start: isFromPool(sandbox.podName) ? "warm" : "cold",
      url: endpoints.url(sandbox, false),
      hostUrl: endpoints.hostUrl(sandbox),
      token: sandbox.guarded ? tokens.access(sandbox) : undefined,
      resources: { limits: namedAmounts(sandbox.limits), requests: namedAmounts(sandbox.requests) },
      runtime: sandbox.runtime,
      skills: sandbox.skills,
      userData: sandbox.userData,
      labels: sandbox.labels,
      egress: sandbox.egress,
      network: sandbox.network && { allow: [...sandbox.network.allow], deny: [...sandbox.network.deny] },
      createdAt: sandbox.claimedAt.toISOString(),
      expiresAt: sandbox.expiresAt.toISOString(),
      hardExpiresAt: sandbox.hardExpiresAt.toISOString(),
      idleTimeoutSeconds: sandbox.idleSeconds,
      lastActiveAt: sandbox.lastActiveAt.toISOString(),
    };
  }
}

/** An environment that the caller may use; to others it does not exist. */
function permitted({ environments }: Caller, name: string): string {
  if (environments?.has(name) === false) throw unknownEnvironment(name);
  return name;
}

/** What was asked for, or the default, but no more than allowed. */
function within(given: number | undefined, most: number, field: string, fallback = most): number {
  if (given !== undefined && given > most)
    throw new BadRequest([{ field, message: `is ${given}, but must be at most ${most}` }]);
  return Math.min(given ?? fallback, most);
}

/** Values of these are nobody's business, not even a log's of whoever sent them. */
const hidden: Hidden = ([first]) => first === "env" || first === "secrets";

/** @throws BadRequest */
function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new BadRequest(
    withValues(fieldErrors(result.error), value, hidden).map(({ path, message }) => ({
      // What is wrong as a whole has no field of its own.
      field: path.join(".") || "body",
      message,
    })),
  );
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof BadRequest)
    return problem(reply, 422, "The request is wrong", undefined, error.errors);
  if (error instanceof SandboxError) {
    if (error.code !== "not-found") request.log.warn({ code: error.code, err: error }, "not carried out");
    return sandboxProblem(reply, error);
  }
  const status = clientStatus(error);
  if (status !== undefined) return problem(reply, status, unreadable, (error as Error).message);
  request.log.error({ err: error }, "unexpected");
  return problem(reply, 500, "Internal error");
}
