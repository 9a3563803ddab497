// make reload: a new sandbox image where the sources have changed, and new sandboxes in any case.
import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";

import { runCommand } from "./support/command.js";
import { deployedStack } from "./support/deployed.js";
import { releaseLock } from "./support/leftovers.js";
import { clusterOf, restartSandboxes } from "./support/kubernetes.js";
import { saveOutputs } from "./support/outputs.js";
import { engine, stackOutputs } from "./support/pulumi.js";
import { forUpdate } from "./support/scanner.js";
import { setUp } from "./support/setup.js";
import { readWritten } from "./support/stack-file.js";

await runCommand(
  {
    name: "reload",
    summary:
      "build and load the sandbox image anew if its sources have changed, and replace the running sandboxes",
    variables: ["STACK"],
  },
  async (given) => {
    const { stack } = deployedStack(given, "reload");
    const env = await forUpdate(readWritten(stack), (await setUp(stack)).env);
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
