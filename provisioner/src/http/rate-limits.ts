// How often a tenant may call: each replica counts for itself, in memory, so that a limit costs no request of ours.
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";

import type { Caller } from "../config/keys.js";

/** Counts calls. */
export class RateLimits {
  /** One limiter for each limit; tenants are its keys. */
  readonly #limiters = new Map<string, RateLimiterMemory>();

  /** Counts a call; seconds to wait if it is one too many. */
  async secondsToWait({ tenant, rateLimit: { requests, seconds } }: Caller): Promise<number | undefined> {
    const key = `${requests}/${seconds}`;
    let limiter = this.#limiters.get(key);
    if (limiter === undefined) {
      limiter = new RateLimiterMemory({ points: requests, duration: seconds });
      this.#limiters.set(key, limiter);
    }
    try {
      await limiter.consume(tenant);
      return undefined;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      // By a clock that may have been set back since; a window is never longer than this.
      return Math.min(seconds, Math.max(1, Math.ceil(refused.msBeforeNext / 1000)));
    }
  }
}
