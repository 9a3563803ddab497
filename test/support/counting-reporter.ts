// Mocha's spec reporter, which also leaves its counts in the file that SANDLOT_TEST_COUNTS names.
import { writeFileSync } from "node:fs";

import Mocha from "mocha";

class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env["SANDLOT_TEST_COUNTS"];
      const { passes, failures, pending } = this.stats;
      if (file !== undefined) writeFileSync(file, JSON.stringify({ passes, failures, pending }));
    });
  }
}

export = CountingReporter;
