// Pods that were asked for and are not yet seen: without them, creates that come together would each find the last free place.

/** Counts them, for all that make pods. */
export class Arrivals {
  #count = 0;

  /** How many there are now. */
  get count(): number {
    return this.#count;
  }

  /** Runs `make`, which makes a pod and lets it be seen; the pod is on its way meanwhile. */
  async of<T>(make: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await make();
    } finally {
      this.#count -= 1;
    }
  }
}
