// Mocha's spec reporter, which also says where the time went, and leaves its counts and what failed in the file that
// SANDLOT_TEST_COUNTS names.
import { writeFileSync } from "node:fs";
import { relative } from "node:path";

import Mocha from "mocha";

/** Files that take less, in milliseconds, are not listed. */
const worthALine = 5_000;

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { EVENT_HOOK_END, EVENT_RUN_END, EVENT_TEST_END, EVENT_TEST_FAIL } = Mocha.Runner.constants;
    const took = new Map<string, number>();
    // What each took itself: of files that run beside others, all is told at once when they are over.
    const add = ({ file, duration = 0 }: Mocha.Runnable): void => {
      if (file !== undefined) took.set(file, (took.get(file) ?? 0) + duration);
    };
    runner.on(EVENT_TEST_END, add);
    runner.on(EVENT_HOOK_END, add);
    const failed: { title: string; message: string }[] = [];
    runner.on(EVENT_TEST_FAIL, (test: Mocha.Runnable, error: Error) => {
      failed.push({ title: test.titlePath().join(" › "), message: error.message });
    });
    runner.once(EVENT_RUN_END, () => {
      const long = [...took].filter(([, ms]) => ms >= worthALine).sort(([, one], [, other]) => other - one);
      if (long.length > 0) console.log("  Time by file:");
      for (const [file, ms] of long)
        console.log(`    ${(ms / 1000).toFixed(0).padStart(4)} s  ${relative(process.cwd(), file)}`);
      const counts = process.env["SANDLOT_TEST_COUNTS"];
      const { passes, pending } = this.stats;
      if (counts !== undefined) writeFileSync(counts, JSON.stringify({ passes, pending, failed }));
    });
  }
}

export = CountingReporter;
