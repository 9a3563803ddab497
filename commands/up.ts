// make up: from nothing to code that was run in a sandbox.
import { UserError } from "@sandlot/toolchain/errors.js";
import { note, step } from "@sandlot/toolchain/progress.js";

import { checkBeforeUp } from "./support/checks.js";
import { runCommand } from "./support/command.js";
import { containerIsMissing, releaseLock, removeContainer, removeOrphans } from "./support/leftovers.js";
import { startIfStopped } from "./support/node.js";
import { saveOutputs } from "./support/outputs.js";
import { closingWords, firstProgram } from "./support/present.js";
import { engine, initStack, stackOutputs } from "./support/pulumi.js";
import { setUp } from "./support/setup.js";
import { composeStackFile, writeStackFile } from "./support/stack-file.js";
import { leaveTimings } from "./support/timings.js";
import { isSet } from "./support/variables.js";

await runCommand(
  {
    name: "up",
    summary: "set up everything, start the cluster, deploy the platform, run code in a sandbox",
    variables: [
      "STACK",
      "SANDBOX_IMAGE",
      "SKILLS_PATH",
      "REPLICAS",
      "NODE_IMAGE",
      "API_PORT",
      "HTTP_PORT",
      "SKIP_PULL",
      "FORCE",
      "ONLY",
    ],
    examples: ["make up", "make up SKILLS_PATH=~/skills HTTP_PORT=9090", "make up ONLY=cluster"],
  },
  async (given) => {
    const composed = composeStackFile(given);
    const { stack } = composed;
    await checkBeforeUp(composed);
    writeStackFile(composed);
    const { env } = await setUp(stack);
    await initStack(stack, env);
    await releaseLock(stack, env);
    await removeOrphans(stack, env);
    if (isSet(given.FORCE)) await removeContainer(stack, env);
    else await startIfStopped(stack, env);
    const refresh = await containerIsMissing(stack, env);
    if (refresh) note("The node's container is gone: the engine looks at what is really there first");
    const updateAfter = performance.now();
    await step(`Stack ${stack.name}: update`, () =>
      engine(
        stack,
        ["up", "--yes", "--skip-preview", "--suppress-outputs", ...(refresh ? ["--refresh"] : [])],
        env,
      ),
    );
    const outputs = saveOutputs(stack, await stackOutputs(stack, env));
    if (outputs.endpoint === undefined) {
      leaveTimings(updateAfter);
      note("No sandbox is published on this machine, so no code was run in one");
      return 0;
    }
    const { endpoint } = outputs;
    const result = await step("First program in a sandbox", () => firstProgram(endpoint));
    if (result.exitCode !== 0) {
      throw new UserError(
        `The first program failed (${result.status}):\n${result.stdout}${result.stderr}`,
        "See `make logs`.",
      );
    }
    leaveTimings(updateAfter);
    console.log(closingWords(outputs, result));
    return 0;
  },
);
