// What must be taken away again, whatever happens in between: the last thing made goes first.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { note } from "@sandlot/toolchain/progress.js";

/** Things to undo. */
export class Cleanup {
  private readonly pending: { what: string; undo: () => Promise<void> }[] = [];

  /** Remembers how something is undone. @returns the means to do so at once; later it is not done again */
  add(what: string, undo: () => Promise<void>): () => Promise<void> {
    const entry = { what, undo };
    this.pending.push(entry);
    return async () => {
      const index = this.pending.indexOf(entry);
      if (index < 0) return;
      await undo();
      this.pending.splice(this.pending.indexOf(entry), 1);
    };
  }

  /** A new folder that goes in the end. @returns its path */
  folder(prefix: string): string {
    const path = mkdtempSync(join(tmpdir(), prefix));
    this.add(`The folder ${path}`, () => {
      rmSync(path, { recursive: true, force: true });
      return Promise.resolve();
    });
    return path;
  }

  /** Undoes all that is left. What cannot be undone is said and keeps nothing else from it. @returns whether all went well */
  async run(): Promise<boolean> {
    let clean = true;
    for (let entry = this.pending.pop(); entry !== undefined; entry = this.pending.pop()) {
      try {
        await entry.undo();
      } catch (error) {
        clean = false;
        note(`${entry.what} could not be removed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return clean;
  }
}
