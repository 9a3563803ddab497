// A connection to each idle pod, open and used before the pod is claimed: connecting, and the first request that a fresh server
// answers, are the larger part of what a hand-over would otherwise take. The first command in the sandbox goes the same way.
import type { IdlePod } from "../model/sandbox.js";
import type { Directory } from "./directory.js";
import type { Endpoints } from "./endpoints.js";
import type { HandOverClient } from "./hand-over.js";
import type { Tokens } from "./tokens.js";

/** What warming needs. */
export interface WarmingParts {
  readonly directory: Directory;
  readonly endpoints: Endpoints;
  readonly handOver: HandOverClient;
  readonly tokens: Tokens;
}

/** Less than connections are kept unused, by us and by the server. Milliseconds. */
const againMs = 45_000;
/** Pods that are asked at the same time. */
const mostAtOnce = 8;

/** Keeps the connections. Every replica has its own: any may be asked for a sandbox. */
export class WarmConnections {
  readonly #parts: WarmingParts;
  readonly #warmedAt = new Map<string, number>();
  #underWay = 0;

  constructor(parts: WarmingParts) {
    this.#parts = parts;
    parts.directory.onIdleChange((environment) => {
      this.#warm(parts.directory.idle(environment));
    });
  }

  /** Looks at all idle pods; to be called now and then. */
  keepAll(): void {
    const { directory } = this.#parts;
    const idle = directory.idleEnvironments().flatMap((name) => directory.idle(name));
    const there = new Set(idle.map(({ podUid }) => podUid));
    for (const podUid of this.#warmedAt.keys()) if (!there.has(podUid)) this.#warmedAt.delete(podUid);
    this.#warm(idle);
  }

  #warm(pods: readonly IdlePod[]): void {
    const { endpoints } = this.#parts;
    const now = performance.now();
    for (const pod of pods) {
      if (this.#underWay >= mostAtOnce) return;
      const origin = pod.state === "running" ? endpoints.direct(pod) : undefined;
      if (origin === undefined || now - (this.#warmedAt.get(pod.podUid) ?? -Infinity) < againMs) continue;
      this.#warmedAt.set(pod.podUid, now);
      this.#underWay += 1;
      void this.#ask(pod, origin);
    }
  }

  /**
   * What it answers is of no interest: whoever claims it finds out whether it is any good. Without an answer it is asked again the next
   * time: a Service's address leads to its pod a moment after the pod is Ready.
   */
  async #ask(pod: IdlePod, origin: string): Promise<void> {
    const { handOver, tokens } = this.#parts;
    const answers = await handOver.warm(pod.podUid, origin, tokens.claimSecret(pod));
    this.#underWay -= 1;
    if (!answers) this.#warmedAt.delete(pod.podUid);
  }
}
