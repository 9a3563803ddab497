// How long the parts of `make up` took, for `make bench`.
import { writeFileSync } from "node:fs";

import { stepDurations } from "@sandlot/toolchain/progress.js";

/** What `make up` leaves in the file that SANDLOT_TIMINGS names. All in milliseconds. */
export interface Timings {
  /** When this process started, since 1970. */
  readonly startedAt: number;
  /** From there until the update of the stack began: checks, Docker, engine, plugins and images. */
  readonly updateAfter: number;
  /** From there until all was done. */
  readonly total: number;
  /** Each step by its title; some run side by side. */
  readonly steps: Readonly<Record<string, number>>;
}

/** Writes the timings of this process, if SANDLOT_TIMINGS names a file. */
export function leaveTimings(updateAfter: number): void {
  const file = process.env["SANDLOT_TIMINGS"] ?? "";
  if (file === "") return;
  const steps = Object.fromEntries(stepDurations);
  const timings: Timings = {
    startedAt: performance.timeOrigin,
    updateAfter,
    total: performance.now(),
    steps,
  };
  writeFileSync(file, `${JSON.stringify(timings, null, 2)}\n`);
}
