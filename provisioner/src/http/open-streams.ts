// Answers that take long, as many as may be open at once.
import { type Most, Shares } from "../core/shares.js";

/** Streams that are open, so that a server that stops can end them. */
export class OpenStreams {
  readonly #shares: Shares;
  readonly #ends = new Set<() => void>();
  #over = false;

  constructor(most: Most) {
    this.#shares = new Shares(most);
  }

  get most(): Most {
    return this.#shares.most;
  }

  /** Whether they have been ended, and none may be opened again. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Notes a stream; `end` ends it.
   * @returns what takes it off the books again, or undefined when its tenant or all have as many as they may
   */
  open(tenant: string, end: () => void): (() => void) | undefined {
    const giveBack = this.#shares.take(tenant);
    if (giveBack === undefined) return undefined;
    this.#ends.add(end);
    return () => {
      giveBack();
      this.#ends.delete(end);
    };
  }

  endAll(): void {
    this.#over = true;
    for (const end of [...this.#ends]) end();
  }
}
