// What was refused, put together: code in a sandbox may ask a thousand times a second, and neither the log nor the API server is
// to be filled by that. Pure but for the clock that it is given.
import type { RefusedEgress } from "./options.js";

/** The same refusal, once or several times. */
export interface Refusal extends RefusedEgress {
  readonly count: number;
  /** When the first of them was, in milliseconds since 1970. */
  readonly since: number;
}

/** How many different refusals of one sandbox are told apart in one interval. */
export const mostKinds = 20;

/** The most destinations that are spelled out; the rest of a sandbox's count as "other destinations". */
export const others = "other destinations";

/** Collects refusals of an interval. */
export class Refusals {
  #pods = new Map<string, Map<string, Refusal>>();

  add(refused: RefusedEgress, now: number): void {
    let kinds = this.#pods.get(refused.podUid);
    if (kinds === undefined) this.#pods.set(refused.podUid, (kinds = new Map<string, Refusal>()));
    const crowded = kinds.size >= mostKinds && !kinds.has(keyOf(refused));
    const told = crowded ? { ...refused, host: others, port: 0 } : refused;
    const before = kinds.get(keyOf(told));
    kinds.set(keyOf(told), { ...told, count: (before?.count ?? 0) + 1, since: before?.since ?? now });
  }

  /** All of the interval, by sandbox; the next interval begins. */
  take(): Refusal[] {
    const taken = [...this.#pods.values()].flatMap((kinds) => [...kinds.values()]);
    this.#pods = new Map();
    return taken;
  }
}

/** So many at once, and then one in a while. */
export class Allowance {
  readonly #most: number;
  readonly #everyMs: number;
  readonly #spent = new Map<string, { left: number; at: number }>();

  constructor(most: number, everyMs: number) {
    this.#most = most;
    this.#everyMs = everyMs;
  }

  /** Whether one more is within the allowance of `key`. */
  take(key: string, now: number): boolean {
    const before = this.#spent.get(key);
    // A clock that was set back takes nothing away.
    const regained = before === undefined ? 0 : Math.max(0, now - before.at) / this.#everyMs;
    const left = Math.min(this.#most, (before?.left ?? this.#most) + regained);
    const granted = left >= 1;
    this.#spent.set(key, { left: granted ? left - 1 : left, at: now });
    return granted;
  }

  forget(key: string): void {
    this.#spent.delete(key);
  }
}

function keyOf({ host, port, reason }: RefusedEgress): string {
  return `${reason} ${port} ${host}`;
}
