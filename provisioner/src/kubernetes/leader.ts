// Which replica is the one that fills pools and reaps: whoever holds the Lease.
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Lease } from "@kubernetes/client-node";

import { isConflict, isNotFound } from "./client.js";
import type { Namespace } from "./namespace.js";

/** How the Lease is held. Milliseconds. */
export interface LeaderTiming {
  /** A Lease that was not renewed for so long is free. */
  readonly durationMs: number;
  /** How often the holder renews and the others look. */
  readonly periodMs: number;
}

const defaultTiming: LeaderTiming = { durationMs: 10_000, periodMs: 2_500 };

/** For how long it is tried to let go of the Lease: it is free by itself soon after. */
const releaseMs = 2_000;

/** What the holder is told. */
export interface LeaderEvents {
  /** This replica leads from now on. */
  onElected?(): void;
  /** The API server answered, whoever leads. */
  onAnswer?(): void;
  /** The Lease could not be asked for. */
  onTrouble?(error: unknown): void;
}

/** What the Lease is called. */
export const leaseName = "sandlot-provisioner";

/**
 * Takes and keeps the Lease. Other replicas' clocks are not believed: what counts is for how long, by our own clock, the Lease
 * has not changed.
 */
export class Leader {
  readonly #namespace: Namespace;
  readonly #identity: string;
  readonly #timing: LeaderTiming;
  readonly #events: LeaderEvents;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #renewedAt = -Infinity;
  #seen = { version: "", at: 0 };

  constructor(
    namespace: Namespace,
    identity: string,
    events: LeaderEvents = {},
    timing: LeaderTiming = defaultTiming,
  ) {
    this.#namespace = namespace;
    this.#identity = identity;
    this.#timing = timing;
    this.#events = events;
  }

  /** Whether we lead now. It ends by itself before the others may think that the Lease is free. */
  get leads(): boolean {
    return this.#holds && !this.#stopping.signal.aborted;
  }

  /** Runs until {@link stop}. */
  run(): Promise<void> {
    this.#running = this.#run();
    return this.#running;
  }

  /** Whether the Lease is ours, which it may still be when we lead no more. */
  get #holds(): boolean {
    return performance.now() - this.#renewedAt < this.#timing.durationMs * 0.8;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const asked = performance.now();
      try {
        const held = await this.#tryHold();
        this.#events.onAnswer?.();
        if (held) {
          const anew = !this.#holds;
          this.#renewedAt = asked;
          if (anew && this.leads) this.#events.onElected?.();
        }
      } catch (error) {
        if (isConflict(error)) this.#events.onAnswer?.();
        else this.#events.onTrouble?.(error);
      }
      // Apart from each other, so that replicas do not write at the same moment again and again.
      const wait = this.#timing.periodMs * (0.8 + Math.random() * 0.4);
      await sleep(wait, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Ends, and lets go of the Lease, so that another replica has it within a period and not after the duration. Takes two seconds at
   * most: if the API server does not answer by then, the Lease lapses.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#release(), sleep(releaseMs, undefined, { ref: false })]);
  }

  async #release(): Promise<void> {
    // What is being written would be in the way of what is written here, or take the Lease again after it.
    await this.#running;
    if (!this.#holds) return;
    const lease = await this.#namespace.getLease(leaseName);
    if (lease.spec?.holderIdentity !== this.#identity) return;
    await this.#namespace.replaceLease(leaseName, changed(lease, { holderIdentity: "" }));
  }

  async #tryHold(): Promise<boolean> {
    let lease: V1Lease;
    try {
      lease = await this.#namespace.getLease(leaseName);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#namespace.createLease({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: leaseName, namespace: this.#namespace.name },
        spec: this.#spec(undefined),
      });
      return true;
    }
    const version = lease.metadata?.resourceVersion ?? "";
    if (version !== this.#seen.version) this.#seen = { version, at: performance.now() };
    const holder = lease.spec?.holderIdentity ?? "";
    const free = holder === "" || performance.now() - this.#seen.at > this.#timing.durationMs;
    if (holder !== this.#identity && !free) return false;
    // The resource version makes the write fail if somebody else was first.
    await this.#namespace.replaceLease(leaseName, changed(lease, this.#spec(lease.spec)));
    return true;
  }

  #spec(before: V1Lease["spec"]): Record<string, unknown> {
    const now = microTime();
    const same = before?.holderIdentity === this.#identity;
    return {
      holderIdentity: this.#identity,
      leaseDurationSeconds: Math.ceil(this.#timing.durationMs / 1000),
      acquireTime: same ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (same ? 0 : 1),
    };
  }
}

/** The lease with other values, at the version that was read. */
function changed(lease: V1Lease, values: object): V1Lease {
  return Object.assign({}, lease, { spec: Object.assign({}, lease.spec, values) });
}

/** Leases want microseconds. */
function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
