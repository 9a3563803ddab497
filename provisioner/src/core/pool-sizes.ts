// How many idle pods each environment is to have at this moment. Every replica knows it, so that one that comes to lead goes on
// where the other was.
import { bounded, idleFor, recommend, type Recommendations } from "../model/pool-size.js";
import type { Directory } from "./directory.js";
import type { Environments } from "./environments.js";

/** What it reads. */
export interface PoolSizeParts {
  readonly directory: Pick<Directory, "current" | "idle" | "inUse">;
  readonly environments: Pick<Environments, "get">;
}

/** The sizes of pools. */
export class PoolSizes {
  readonly #parts: PoolSizeParts;
  readonly #now: () => number;
  readonly #recommended = new Map<string, Recommendations>();

  /** @param now seconds of a clock that only goes on */
  constructor(parts: PoolSizeParts, now: () => number = () => performance.now() / 1000) {
    this.#parts = parts;
    this.#now = now;
  }

  /**
   * How many idle pods the environment is to have; none if there is no such environment. Each call looks at what there is, so it
   * has to be called about each second for what it says to be right.
   */
  size(name: string): number {
    const { directory, environments } = this.#parts;
    const pool = environments.get(name)?.pool;
    if (pool?.autoscaling === undefined) {
      this.#recommended.delete(name);
      return pool?.size ?? 0;
    }
    const { targetUtilization, scaleDownSeconds } = pool.autoscaling;
    const at = this.#now();
    // As an autoscaler that has just started: what is there was wanted.
    const before = this.#recommended.get(name) ?? [{ at, idle: directory.idle(name).length }];
    if (!directory.current) return bounded(before[0].idle, pool);
    const wanted = idleFor(directory.inUse(name), targetUtilization);
    const recommended = recommend(before, { at, idle: wanted }, scaleDownSeconds);
    this.#recommended.set(name, recommended);
    return bounded(recommended[0].idle, pool);
  }
}
