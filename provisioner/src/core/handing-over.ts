// What a sandbox is told when it is handed over, and what comes of its answer.
import type { V1Pod } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import type { SandboxRequest } from "../model/claim.js";
import { viewOf, type Sandbox } from "../model/sandbox.js";
import { attribute, inSpan } from "../tracing/spans.js";
import type { Directory } from "./directory.js";
import { proxyVariables } from "./egress-access.js";
import type { Endpoints } from "./endpoints.js";
import { SandboxError } from "./errors.js";
import type { HandOver, HandOverClient } from "./hand-over.js";
import type { ProxyAddress } from "./proxy-address.js";
import type { SandboxPods } from "./sandbox-pods.js";
import type { Tokens } from "./tokens.js";

/** What handing over needs. */
export interface HandingOverParts {
  readonly pods: WatchCache<V1Pod>;
  readonly sandboxPods: SandboxPods;
  readonly directory: Directory;
  readonly endpoints: Endpoints;
  readonly tokens: Tokens;
  readonly handOver: HandOverClient;
  readonly proxyAddress: ProxyAddress | undefined;
}

/** Hands sandboxes over, and knows which ones it has. */
export class HandingOver {
  readonly #parts: HandingOverParts;
  readonly #done = new Set<string>();

  constructor(parts: HandingOverParts) {
    this.#parts = parts;
    parts.directory.onChange(({ podUid }, gone) => {
      if (gone) this.#done.delete(podUid);
    });
  }

  /** Whether this replica handed the sandbox over. */
  isDone({ podUid }: Sandbox): boolean {
    return this.#done.has(podUid);
  }

  /**
   * Whether it is handed over now. One that was `fresh` and is no good is deleted; one that somebody may be using is not.
   * @throws SandboxError if it never will be.
   */
  async handOver(
    sandbox: Sandbox,
    request: SandboxRequest,
    signal: AbortSignal,
    fresh: boolean,
  ): Promise<boolean> {
    const { endpoints, tokens, handOver, directory, pods, sandboxPods, proxyAddress } = this.#parts;
    const what: HandOver = {
      // That it was claimed with, whatever the request's is now: by it the server knows the same hand-over again.
      claimId: `${sandbox.podUid}:${sandbox.fingerprint}`,
      token: request.guarded ? tokens.access(sandbox) : null,
      // A name that is in both env and secrets is refused: what is given as a secret is not in env too.
      env: {
        ...(await proxyVariables(sandbox.egress, proxyAddress, request.secrets, signal)),
        ...request.env,
      },
      secrets: request.secrets,
    };
    const origin = (): string | undefined => {
      const view = viewOf(pods.get(sandbox.podName) ?? {});
      return view.kind === "sandbox" ? endpoints.direct(view.pod) : undefined;
    };
    const result = await inSpan("hand over", { [attribute.pod]: sandbox.podName }, async (span) => {
      const secret = tokens.claimSecret(sandbox);
      const ended = await handOver.handOver({ podUid: sandbox.podUid, origin }, secret, what, signal);
      span.setAttribute(attribute.outcome, ended.outcome);
      return ended;
    });
    if (result.outcome === "silent" || (result.outcome === "taken" && !fresh)) return false;
    if (result.outcome === "done" || (result.outcome === "unsupported" && needsNone(request))) {
      this.#done.add(sandbox.podUid);
      directory.markAnswering(sandbox.podUid);
      return true;
    }
    if (fresh) await sandboxPods.remove(sandbox);
    if (result.outcome === "taken") return false;
    throw notHandedOver(result.outcome === "refused" ? result.message : undefined);
  }
}

/** Whether a server that knows no hand-over will do: there is nothing to hand over. */
export function needsNone({ guarded, env, secrets }: SandboxRequest): boolean {
  return !guarded && Object.keys({ ...env, ...secrets }).length === 0;
}

/** @param why default: the server knows no hand-over, and there is something to hand over */
export function notHandedOver(why = "its image's server takes no env, secrets or token"): SandboxError {
  return new SandboxError("no-hand-over", `the sandbox was not handed over: ${why}`);
}
