// What comes after a pod was claimed or made for a sandbox, or was found to be there: the hand-over, and giving way where another
// replica was first.
import type { V1Pod } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import { canonicalText, type SandboxRequest } from "../model/claim.js";
import type { Sandbox } from "../model/sandbox.js";
import { isLive, type Directory } from "./directory.js";
import { checkSessions, conflict, SandboxError } from "./errors.js";
import type { HandingOver } from "./handing-over.js";
import type { SandboxPods } from "./sandbox-pods.js";
import type { Services } from "./services.js";
import type { Tokens } from "./tokens.js";

/** One create that is under way. */
export interface Attempt {
  readonly request: SandboxRequest;
  /** That of the request, by which a sandbox of it is known again. */
  readonly fingerprint: string;
  /** For how long whoever asked is kept waiting. */
  readonly deadline: AbortSignal;
}

/** What settling needs. */
export interface SettlingParts {
  readonly pods: WatchCache<V1Pod>;
  readonly sandboxPods: SandboxPods;
  readonly directory: Directory;
  readonly services: Services;
  readonly tokens: Tokens;
  readonly handingOver: HandingOver;
  readonly startTimeoutSeconds: number;
}

/** Events come within milliseconds; a watch that was cut is there again in less than this. */
const claimsSeenMs = 1_000;

/** Brings sandboxes to where their owners may have them. */
export class Settling {
  readonly #parts: SettlingParts;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  /**
   * After the sandbox is ours: hands it over, and gives way if another replica claimed one for the same id before. Every replica that
   * has seen all up to its own claim knows whether its was the first; with a watch that does not come to that, the reaper finds out.
   */
  async settle(sandbox: Sandbox, attempt: Attempt): Promise<Sandbox> {
    const { pods, directory, sandboxPods } = this.#parts;
    const { request, deadline } = attempt;
    const patience = AbortSignal.any([deadline, AbortSignal.timeout(claimsSeenMs)]);
    const seen = pods.caughtUp(sandbox.resourceVersion, patience);
    const finished = await this.#finish(sandbox, attempt, true);
    await seen;
    const winner = directory.get(request.tenant, request.id);
    if (winner === undefined || winner.podUid === sandbox.podUid || !isLive(winner)) return finished;
    await sandboxPods.remove(sandbox, deadline);
    return this.adopt(winner, attempt);
  }

  /** A sandbox that is there already: the same request again, or the other half of a race. */
  async adopt(sandbox: Sandbox, attempt: Attempt): Promise<Sandbox> {
    const { request, deadline } = attempt;
    if (!this.#isSame(sandbox, attempt)) throw conflict(request, sandbox);
    checkSessions(sandbox, request);
    // Whoever made the pod may have died before it made the Service: without one it could not be handed over from outside.
    await this.#parts.services.ensure(sandbox, deadline);
    return this.#finish(sandbox, attempt, false);
  }

  /** Whether it was made for the same request; with whichever signing key. */
  #isSame(sandbox: Sandbox, { request, fingerprint }: Attempt): boolean {
    if (sandbox.fingerprint === fingerprint) return true;
    return this.#parts.tokens.isFingerprint(sandbox.fingerprint, canonicalText(request));
  }

  /** Hands over if that has not happened. A sandbox that takes longer than the caller waits is handed over later. */
  async #finish(sandbox: Sandbox, { request, deadline }: Attempt, fresh: boolean): Promise<Sandbox> {
    const { directory, handingOver, startTimeoutSeconds } = this.#parts;
    if (!handingOver.isDone(sandbox)) {
      const ended = this.#untilOver(sandbox, AbortSignal.timeout(startTimeoutSeconds * 1000));
      const work = handingOver.handOver(sandbox, request, ended.signal, fresh).finally(ended.stop);
      // Whoever waits hears of what goes wrong; once nobody waits, the reaper finds what was not handed over.
      work.catch(() => undefined);
      await Promise.race([work, aborted(deadline)]);
    }
    const now = directory.get(sandbox.tenant, sandbox.id);
    if (now === undefined || (now.podUid === sandbox.podUid && now.state === "stopping"))
      throw new SandboxError("failed", "the sandbox was deleted while it started");
    if (now.podUid !== sandbox.podUid) return sandbox;
    if (now.state === "failed")
      throw new SandboxError(
        "failed",
        `the sandbox failed while it started: ${now.reason ?? "no reason given"}`,
      );
    return now;
  }

  /** A signal that fires when the sandbox is over or patience is. */
  #untilOver(sandbox: Sandbox, patience: AbortSignal): { signal: AbortSignal; stop: () => void } {
    const over = new AbortController();
    const stop = this.#parts.directory.onChange((changed, gone) => {
      if (changed.podUid === sandbox.podUid && (gone || !isLive(changed))) over.abort();
    });
    return { signal: AbortSignal.any([over.signal, patience]), stop };
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
