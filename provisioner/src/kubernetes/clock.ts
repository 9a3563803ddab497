// What time it is in a cluster. Times on pods are read by every replica and outlive it, so they are told by the one clock that all
// replicas can ask: the API server's, which says its time in each answer. Between answers, seconds are counted by a clock that
// does not jump.

/** Where time comes from. Milliseconds. */
export interface TimeSource {
  /** Since 1970. May be set, forward or back, at any moment. */
  wall(): number;
  /** Since some moment. Only goes on, and as fast as time does. */
  steady(): number;
}

/** This machine's. */
export const systemTime: TimeSource = { wall: () => Date.now(), steady: () => performance.now() };

/** How far our own clock may be from the API server's: its answers tell whole seconds only. Milliseconds. */
const toleranceMs = 2_000;
/** An answer that took longer says too little about when it was given. Milliseconds. */
const longestTripMs = 2_000;

/**
 * The time of one cluster: by our own clock, which is finer, where the API server's agrees with it; else by the API server's. A
 * clock of ours that jumps is thereby not even noticed.
 */
export class ClusterClock {
  readonly #source: TimeSource;
  readonly #onDisagreement: (seconds: number) => void;
  /** What {@link wallMs} is more than {@link steadyMs}. */
  #ahead: number;
  #agreed = true;

  /** @param onDisagreement told once when our own clock is no longer to be believed: by how much it is ahead of the API server's */
  constructor(source: TimeSource = systemTime, onDisagreement: (seconds: number) => void = () => undefined) {
    this.#source = source;
    this.#onDisagreement = onDisagreement;
    this.#ahead = source.wall() - source.steady();
  }

  now(): Date {
    return new Date(this.steadyMs + this.#ahead);
  }

  /** Goes on by a second each second, whatever becomes of any clock. Milliseconds since some moment. */
  get steadyMs(): number {
    return this.#source.steady();
  }

  /** Takes in what an answer to a request that was sent at `askedMs` (of {@link steadyMs}) says: its `Date` header. */
  hear(date: string | string[] | undefined, askedMs: number): void {
    const heardMs = this.steadyMs;
    const told = typeof date === "string" ? Date.parse(date) : NaN;
    if (Number.isNaN(told) || heardMs - askedMs > longestTripMs) return;
    // In the middle of the second that it tells, half-way between question and answer.
    const server = told + 500 + (heardMs - askedMs) / 2;
    const own = this.#source.wall();
    const agreed = Math.abs(own - server) <= toleranceMs;
    if (agreed) this.#ahead = own - heardMs;
    else if (Math.abs(this.#ahead + heardMs - server) > toleranceMs) this.#ahead = server - heardMs;
    if (this.#agreed && !agreed) this.#onDisagreement((own - server) / 1000);
    this.#agreed = agreed;
  }
}
