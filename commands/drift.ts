// make drift: what in a stack's place is not as it was deployed.
import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";

import { runCommand } from "./support/command.js";
import { driftIn, formatDrift } from "./support/drift.js";
import { upCommand } from "./support/outputs.js";
import { previewRefresh } from "./support/pulumi.js";
import { setUpEngine } from "./support/setup.js";
import { lastStackFile, writeStackFile } from "./support/stack-file.js";
import { hasState } from "./support/state.js";
import { refuseRendered } from "./support/target.js";

await runCommand(
  {
    name: "drift",
    summary: "compare what is deployed with what is really there; fails when something differs",
    variables: ["STACK", "FORMAT"],
    examples: [
      "make drift STACK=production",
      "make -s drift STACK=production FORMAT=json | jq '.[].resource'",
    ],
  },
  async (given) => {
    const composed = lastStackFile(given);
    const { stack, document } = composed;
    refuseRendered(document, stack, "drift");
    if (!hasState(stack)) throw new UserError(`Stack ${stack.name} is not up.`, `Run: ${upCommand(stack)}`);
    writeStackFile(composed);
    const { env } = await setUpEngine(document);
    const events = await step(`Stack ${stack.name}: compare with what is there`, () =>
      previewRefresh(stack, env),
    );
    const drifts = driftIn(events);
    if (given.FORMAT === "json") console.log(JSON.stringify(drifts, null, 2));
    else if (drifts.length === 0) console.log(`Stack ${stack.name} is as it was deployed.`);
    else {
      console.log(
        `Stack ${stack.name} is not as it was deployed (deployed → found):\n${formatDrift(drifts)}`,
      );
      console.log(`Nothing was changed. \`${upCommand(stack)} REPAIR=1\` puts it right.`);
    }
    return drifts.length === 0 ? 0 : 1;
  },
);
