// The clock of a process that a test starts, which the test sets: see shifted-clock.mjs.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const preload = fileURLToPath(new URL("shifted-clock.mjs", import.meta.url));

export class ShiftedClock {
  readonly #folder = mkdtempSync(join(tmpdir(), "sandlot-clock-"));
  readonly #file = join(this.#folder, "ahead");

  constructor() {
    this.#write(0);
  }

  /** Makes a Node process that is given them have this clock. */
  get variables(): Record<string, string> {
    return { NODE_OPTIONS: `--import=${preload}`, SANDLOT_TEST_CLOCK: this.#file };
  }

  /** Sets it so many milliseconds ahead of the machine's clock, or behind; resolves when the processes have it. */
  async set(aheadMs: number): Promise<void> {
    this.#write(aheadMs);
    await sleep(200);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** In one step: who reads meanwhile finds the one or the other. */
  #write(aheadMs: number): void {
    writeFileSync(`${this.#file}.new`, String(aheadMs));
    renameSync(`${this.#file}.new`, this.#file);
  }
}
