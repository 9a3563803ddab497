// make reload: a new sandbox image where the sources have changed, and new sandboxes in any case.
import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";

import { runCommand } from "./support/command.js";
import { releaseLock } from "./support/leftovers.js";
import { clusterOf, restartSandboxes } from "./support/kubernetes.js";
import { readOutputs, saveOutputs } from "./support/outputs.js";
import { engine, stackOutputs } from "./support/pulumi.js";
import { setUp } from "./support/setup.js";
import { readWritten, stackOf } from "./support/stack-file.js";
import { refuseRendered } from "./support/target.js";

await runCommand(
  {
    name: "reload",
    summary:
      "build and load the sandbox image anew if its sources have changed, and replace the running sandboxes",
    variables: ["STACK"],
  },
  async (given) => {
    const stack = stackOf(given.STACK);
    readOutputs(stack);
    refuseRendered(readWritten(stack), stack, "reload");
    const { env } = await setUp(stack);
    await releaseLock(stack, env);
    await step(`Stack ${stack.name}: update`, () =>
      engine(stack, ["up", "--yes", "--skip-preview", "--suppress-outputs"], env),
    );
    const outputs = saveOutputs(stack, await stackOutputs(stack, env));
    const { namespace } = outputs;
    if (namespace === undefined) {
      throw new UserError("Nothing is deployed in this cluster.", "Run `make up` without ONLY=cluster.");
    }
    await step("Sandboxes: replaced one by one", () =>
      restartSandboxes(clusterOf(stack, outputs, env), namespace),
    );
    return 0;
  },
);
