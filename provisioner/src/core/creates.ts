// Carries creates out: a sandbox that is there already, or else an idle pod by one write; only where there is none, or the sandbox
// needs volumes or a size of its own, is a pod made.
import { canonicalText, type SandboxRequest } from "../model/claim.js";
import type { MountedVolume, PodSettings } from "../model/pod.js";
import type { Sandbox } from "../model/sandbox.js";
import { sized, type SizeProblem, type TenantBounds } from "../model/size.js";
import { annotate, attribute, inSpan } from "../tracing/spans.js";
import { translated, whenCreating } from "./cluster-errors.js";
import type { ColdStarts } from "./cold-starts.js";
import { isLive, rankKey, type Directory } from "./directory.js";
import { checkEgress, proxyVariables } from "./egress-access.js";
import type { Environments } from "./environments.js";
import { checkSessions, conflict, full, SandboxError, unknownEnvironment, unwatched } from "./errors.js";
import { needsNone, notHandedOver } from "./handing-over.js";
import type { IdleClaims } from "./idle-claims.js";
import type { Metrics } from "./metrics.js";
import type { ProxyAddress } from "./proxy-address.js";
import type { Quota } from "./quota.js";
import type { Reservations } from "./reservations.js";
import type { SandboxPods } from "./sandbox-pods.js";
import type { Settling } from "./settling.js";
import type { Tokens } from "./tokens.js";

/** What creating needs. */
export interface CreatesParts {
  readonly directory: Directory;
  readonly environments: Environments;
  readonly tokens: Tokens;
  readonly metrics: Metrics;
  readonly sandboxPods: SandboxPods;
  readonly reservations: Reservations;
  readonly settling: Settling;
  readonly idleClaims: IdleClaims;
  readonly coldStarts: ColdStarts;
  /** Where sandboxes of profile `allowlist` are sent; absent: there is no egress proxy. */
  readonly proxyAddress: ProxyAddress | undefined;
  readonly settings: CreateSettings;
}

/** How creates are carried out. */
export interface CreateSettings extends Pick<PodSettings, "server"> {
  readonly readyTimeoutSeconds: number;
}

/** One create. */
export interface CreateRequest {
  readonly request: SandboxRequest;
  /** Volumes of its own; with any, no idle pod will do. */
  readonly volumes: readonly MountedVolume[];
  readonly quota: Quota;
  /** Whether the id was made up for this request, so that no sandbox anywhere can have it. */
  readonly fresh?: boolean;
  readonly bounds: TenantBounds;
}

/** What a create came to. */
export interface Created {
  readonly sandbox: Sandbox;
  /** Whether it was there before, by an earlier request for the same. */
  readonly existed: boolean;
}

/** Creates. */
export class Creates {
  readonly #parts: CreatesParts;
  /** Creates that are under way, so that two of the same id in one process are one. */
  readonly #underWay = new Map<string, { fingerprint: string; result: Promise<Created> }>();

  constructor(parts: CreatesParts) {
    this.#parts = parts;
  }

  /** @throws SandboxError if it is not carried out. */
  async create(create: CreateRequest): Promise<Created> {
    const { metrics } = this.#parts;
    const { id, tenant, environment } = create.request;
    const of = { [attribute.sandbox]: id, [attribute.tenant]: tenant, [attribute.environment]: environment };
    return inSpan("create sandbox", of, async (span) => {
      try {
        const created = await this.#once(create);
        if (created.existed) {
          metrics.createEnded("existed");
          span.setAttribute(attribute.outcome, "existed");
        }
        return created;
      } catch (error) {
        metrics.createEnded(error instanceof SandboxError ? error.code : "internal");
        throw error;
      }
    });
  }

  #once(create: CreateRequest): Promise<Created> {
    const { tokens, reservations } = this.#parts;
    const { request } = create;
    const key = rankKey(request.tenant, request.id);
    const fingerprint = tokens.fingerprint(canonicalText(request));
    const before = this.#underWay.get(key);
    if (before !== undefined) {
      if (before.fingerprint !== fingerprint) return Promise.reject(conflict(request));
      return before.result.then(({ sandbox }) => {
        checkSessions(sandbox, request);
        return { sandbox, existed: true };
      });
    }
    const result = translated(this.#carryOut(create, fingerprint), whenCreating).finally(() => {
      this.#underWay.delete(key);
      reservations.release(request);
    });
    this.#underWay.set(key, { fingerprint, result });
    return result;
  }

  async #carryOut(create: CreateRequest, fingerprint: string): Promise<Created> {
    const { request, volumes, quota } = create;
    const { directory, environments, metrics, proxyAddress, settings } = this.#parts;
    const { sandboxPods, reservations, settling, idleClaims, coldStarts } = this.#parts;
    const started = performance.now();
    const deadline = AbortSignal.timeout(settings.readyTimeoutSeconds * 1000);
    const attempt = { request, fingerprint, deadline };
    const before = directory.get(request.tenant, request.id);
    if (before !== undefined && isLive(before)) {
      // It may be gone, and its address another's by now, who would be told its secrets.
      if (directory.unsure(before)) throw unwatched();
      return { sandbox: await settling.adopt(before, attempt), existed: true };
    }
    const environment = environments.get(request.environment);
    if (environment === undefined) throw unknownEnvironment(request.environment);
    checkEgress(request, environment, proxyAddress);
    // Asked for before anything is claimed: a sandbox that could not be told of it would be of no use.
    await proxyVariables(request.egress ?? environment.egress, proxyAddress, request.secrets, deadline);
    // Known beforehand, it costs no pod.
    if (settings.server === "aio" && !needsNone(request)) throw notHandedOver();
    const { own, environment: asked, problems } = sized(environment, request, create.bounds, settings.server);
    if (problems.length > 0) throw tooMuch(problems);
    await reservations.reserve(request, asked, quota, deadline);
    // A failed one makes way: who asks for a sandbox wants one that works.
    if (before?.state === "failed") await sandboxPods.remove(before, deadline);

    const madeToOrder = volumes.length > 0 || !own;
    const warm = madeToOrder ? undefined : await idleClaims.claim(environment, attempt);
    if (warm === undefined && reservations.full) throw full();
    const sandbox = warm ?? (await coldStarts.start({ environment: asked, volumes, madeToOrder }, attempt));
    const start = warm === undefined ? "cold" : "warm";
    annotate({ [attribute.outcome]: start });
    metrics.created(environment.name, start, (performance.now() - started) / 1000);
    return { sandbox, existed: false };
  }
}

function tooMuch(problems: readonly SizeProblem[]): SandboxError {
  const sentence = problems.map(({ field, message }) => `${field} ${message}`).join("; ");
  return new SandboxError("too-much", sentence, undefined, problems);
}
