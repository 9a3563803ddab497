// Requests from addresses at which no sandbox is seen yet. Whoever claims a pod tells its sandbox's owner at once; the proxy's own
// watch may be a moment behind that.
import { behindMs } from "../core/until-seen.js";

/** How many requests may wait, of one address and in all: the rest is not held in memory for somebody who may be nobody. */
const mostOfOne = 32;
const mostInAll = 1_024;

/** Those that wait, by the key of their address. */
export class Arrivals {
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  /** Waits until {@link wake} or for as long as the watch may be behind; not at all where too many do. */
  wait(key: string): Promise<void> {
    const those = this.#waiting.get(key) ?? new Set();
    if (those.size >= mostOfOne || this.#count >= mostInAll) return Promise.resolve();
    this.#waiting.set(key, those);
    this.#count += 1;
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        those.delete(end);
        if (those.size === 0) this.#waiting.delete(key);
        this.#count -= 1;
        resolve();
      };
      const timer = setTimeout(end, behindMs);
      those.add(end);
    });
  }

  /** Ends the waiting at an address. */
  wake(key: string): void {
    for (const end of [...(this.#waiting.get(key) ?? [])]) end();
  }
}
