// DeerFlow's API, so that its gateway works unchanged: paths, fields and statuses are those that its client looks at.
import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";

import type { Front } from "../clusters/front.js";
import { notFound, SandboxError, unknownEnvironment, type ErrorCode } from "../core/errors.js";
import type { Shares } from "../core/shares.js";
import { deerflowVolumes, MountError, servedMounts, type MountSettings } from "../model/deerflow-mounts.js";
import { mountsOf } from "../model/mounts.js";
import {
  sandboxIdPattern,
  sandboxIdRule,
  threadIdPattern,
  threadIdRule,
  userIdPattern,
  userIdRule,
} from "../model/names.js";
import type { Sandbox } from "../model/sandbox.js";
import { mostShellSessions } from "../model/shell-sessions.js";
import { defaultSkillsRoot, isSkillsRoot, skillsRootRule } from "../model/skills-root.js";
import { fieldErrors, withValues } from "../model/validation.js";
import { guard } from "./auth.js";
import { createBody, shareBodies } from "./body-limit.js";
import type { Keys } from "../config/keys.js";
import type { RateLimits } from "./rate-limits.js";

/** What the routes need. */
export interface DeerflowOptions extends Pick<Front, "sandboxes" | "endpoints" | "activity"> {
  readonly keys: Keys;
  readonly limits: RateLimits;
  readonly bodies: Shares;
  readonly settings: DeerflowSettings;
}

/** How DeerFlow's sandboxes are. */
export interface DeerflowSettings extends MountSettings {
  readonly environment: string;
  readonly idleSeconds: number;
  readonly hardSeconds: number;
  /** Whether sandboxes ask for their token, which the URL then carries: with router URLs only. */
  readonly guarded: boolean;
}

const createSchema = z.object({
  sandbox_id: z.string().regex(sandboxIdPattern, `must be ${sandboxIdRule}`),
  thread_id: z.string().regex(threadIdPattern, `must be ${threadIdRule}`).nullish(),
  user_id: z.string().regex(userIdPattern, `must be ${userIdRule}`).default("default"),
  extra_mounts: z
    .array(
      z.object({ host_path: z.string(), container_path: z.string(), read_only: z.boolean().default(false) }),
    )
    .max(10)
    .default([]),
  skills_container_path: z
    .string()
    .refine(isSkillsRoot, `must be ${skillsRootRule}`)
    .default(defaultSkillsRoot),
  max_shell_sessions: z.int().min(1).max(mostShellSessions).nullish(),
  // Sent by every gateway and of no effect here: legacy skills are part of the views, and there is no lark-cli runtime.
  include_legacy_skills: z.boolean().default(false),
  provision_lark_cli_runtime: z.boolean().default(false),
  provision_lark_cli_broker: z.boolean().default(false),
});

/** Statuses where DeerFlow's differ from those of /v1: what its service answered, or what its client expects. */
const statuses: Readonly<Record<ErrorCode, number>> = {
  "not-found": 404,
  conflict: 409,
  "unknown-environment": 500,
  "wider-egress": 500,
  "too-much": 500,
  "no-rules": 500,
  "no-hand-over": 500,
  "bad-mount": 400,
  quota: 429,
  capacity: 503,
  busy: 503,
  refused: 500,
  failed: 500,
  unavailable: 503,
};

/** Registers the routes below `/api`. */
export function deerflow(app: FastifyInstance, options: DeerflowOptions): void {
  const { sandboxes, endpoints, activity, settings } = options;
  guard(app, options.keys, options.limits, {
    unknown: (reply) => reply.code(401).type("text/plain").send("Unauthorized"),
    tooMany: (reply, detail) => reply.code(429).send({ detail }),
  });
  shareBodies(app, options.bodies, (reply, detail) => reply.code(503).send({ detail }));
  app.setErrorHandler((error, request, reply) => answerError(error, request.log, reply));
  app.setNotFoundHandler((_, reply) => reply.code(404).send({ detail: "Not Found" }));

  app.get("/capabilities", () => ({ lark_cli_init_image: false, lark_cli_broker_image: false }));

  app.post("/sandboxes", { bodyLimit: createBody }, async (request, reply) => {
    const parsed = createSchema.safeParse(request.body);
    if (!parsed.success) return reply.code(422).send({ detail: details(parsed.error, request.body) });
    // Fields that nobody knows may be many, and it may take long until the sandbox answers.
    request.body = undefined;
    const { sandbox_id: id, user_id: userId, extra_mounts: mounts } = parsed.data;
    const { skills_container_path: skillsRoot, max_shell_sessions: shellSessions } = parsed.data;
    // The gateway would have a broker hold the user's credentials, which then must not come into the sandbox.
    if (parsed.data.provision_lark_cli_broker)
      return reply
        .code(503)
        .header("x-deerflow-capability-refresh", "lark-broker")
        .send({ detail: "there is no lark-cli broker here, as GET /api/capabilities says" });
    const owner = { userId, threadId: parsed.data.thread_id ?? id };
    const extra = mounts.map((mount) => ({
      hostPath: mount.host_path,
      containerPath: mount.container_path,
      readOnly: mount.read_only,
    }));
    const { tenant, quota, bounds, environments } = request.caller;
    if (environments?.has(settings.environment) === false) throw unknownEnvironment(settings.environment);
    const { served, leftOut } = servedMounts(settings, { ...owner, tenant }, extra, skillsRoot);
    if (leftOut.length > 0)
      request.log.warn({ sandbox: id, tenant, leftOut }, "the sandbox does without extra mounts");
    const volumes = deerflowVolumes(settings, { ...owner, tenant }, served, skillsRoot);
    const { sandbox } = await sandboxes.create({
      request: {
        id,
        tenant,
        environment: settings.environment,
        labels: {},
        env: {},
        secrets: {},
        lifetime: {
          softSeconds: settings.hardSeconds,
          idleSeconds: settings.idleSeconds,
          hardSeconds: settings.hardSeconds,
        },
        guarded: settings.guarded,
        deerflow: true,
        // Absent where it is the ordinary one, as in requests of gateways that do not know it.
        identity: { owner, extra, ...(skillsRoot === defaultSkillsRoot ? {} : { skillsRoot }) },
        mounts: mountsOf(volumes, owner, skillsRoot),
        shellSessions: shellSessions ?? undefined,
      },
      volumes,
      quota,
      bounds,
    });
    activity.touch(sandbox);
    request.log.info({ sandbox: id, tenant, state: sandbox.state, pod: sandbox.podName }, "created");
    return described(sandbox);
  });

  app.get("/sandboxes", (request) => {
    // One whose URL is not known yet is left to the next list: the gateway can do nothing without it.
    const all = sandboxes
      .list(request.caller.tenant)
      .map((sandbox) => shown(sandbox))
      .filter((each) => each !== undefined);
    return { sandboxes: all, count: all.length };
  });

  app.get<{ Params: { id: string } }>("/sandboxes/:id", async (request) => {
    const sandbox = await sandboxes.find(request.caller.tenant, request.params.id);
    // The gateway asks before each turn: that is how we know that the sandbox is still wanted.
    activity.touch(sandbox);
    // Whatever is not `Running` is dead to the gateway, which destroys it; an error means to it that nobody knows, and it asks again.
    if (statusOf(sandbox) === "Unknown")
      throw new SandboxError("unavailable", "the sandbox does not answer at the moment; try again");
    return described(sandbox);
  });

  // The gateway makes nothing anew before it has heard that what was there is gone: the pod itself, not only its URL.
  app.get<{ Params: { id: string } }>("/sandboxes/:id/presence", async (request) => {
    const { id } = request.params;
    const uid = sandboxIdPattern.test(id) ? await sandboxes.present(request.caller.tenant, id) : undefined;
    return { sandbox_id: id, exists: uid !== undefined, container_id: uid ?? null };
  });

  app.delete<{ Params: { id: string } }>("/sandboxes/:id", async (request) => {
    const { id } = request.params;
    const { tenant } = request.caller;
    // What cannot be an id is an id of nothing.
    const existed = sandboxIdPattern.test(id) && (await sandboxes.delete(tenant, id));
    request.log.info({ sandbox: id, tenant, existed }, "deleted");
    return { ok: true, sandbox_id: id };
  });

  function shown(sandbox: Sandbox): object | undefined {
    const url = endpoints.url(sandbox, settings.guarded);
    if (url === undefined) return undefined;
    return {
      ...{ sandbox_id: sandbox.id, sandbox_url: url, status: statusOf(sandbox) },
      ...{ container_id: sandbox.podUid, max_shell_sessions: sandbox.shellSessions, lark_cli_broker: false },
    };
  }

  function described(sandbox: Sandbox): object {
    const all = shown(sandbox);
    // No Service comes for one that failed before it had one: to the gateway it is gone, and to be made again.
    if (all === undefined && sandbox.state === "failed") throw notFound();
    if (all === undefined)
      throw new SandboxError("unavailable", "the sandbox has no Service yet, so no URL; try again");
    return all;
  }
}

/** In the words of pod phases, of which the gateway takes `Running` alone for alive; so it says so only if it answers. */
export function statusOf({ state, everReady }: Sandbox): string {
  if (state === "running") return "Running";
  if (state === "failed") return "Failed";
  return everReady ? "Unknown" : "Pending";
}

function answerError(error: unknown, log: FastifyReply["log"], reply: FastifyReply): FastifyReply {
  if (error instanceof MountError) return reply.code(400).send({ detail: error.message });
  if (error instanceof SandboxError) {
    const status = statuses[error.code];
    if (status === 503 || status === 429) void reply.header("retry-after", "2");
    if (status >= 500) log.warn({ code: error.code, err: error }, "not carried out");
    return reply.code(status).send({ detail: error.message });
  }
  const status = clientStatus(error);
  if (status !== undefined) return reply.code(status).send({ detail: (error as Error).message });
  log.error({ err: error }, "unexpected");
  return reply.code(500).send({ detail: "Internal Server Error" });
}

/** The status of an error that the framework found in a request: no JSON, too large, … */
export function clientStatus(error: unknown): number | undefined {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500 ? status : undefined;
}

/** In the shape of FastAPI's validation errors. */
function details(error: z.ZodError, body: unknown): object[] {
  return withValues(fieldErrors(error), body).map(({ path, message }) => ({
    loc: ["body", ...path],
    msg: message,
    type: "value_error",
  }));
}
