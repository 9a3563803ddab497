// make preview: what `make up` would change.
import { runCommand } from "./support/command.js";
import { policyArguments } from "./support/policies.js";
import { engine, initStack } from "./support/pulumi.js";
import { setUp } from "./support/setup.js";
import { composeStackFile, writeStackFile } from "./support/stack-file.js";
import { stackVariables } from "./support/variables.js";

await runCommand(
  {
    name: "preview",
    summary: "show what `make up` would change, with the policies checked; nothing is changed",
    variables: [...stackVariables],
  },
  async (given) => {
    const composed = composeStackFile(given);
    const { stack } = composed;
    writeStackFile(composed);
    const { env } = await setUp(stack);
    await initStack(stack, env);
    await engine(stack, ["preview", "--diff", ...policyArguments(stack)], env);
    return 0;
  },
);
