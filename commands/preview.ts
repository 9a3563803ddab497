// make preview: what `make up` would change.
import { runCommand } from "./support/command.js";
import { engine, initStack } from "./support/pulumi.js";
import { setUp } from "./support/setup.js";
import { composeStackFile, writeStackFile } from "./support/stack-file.js";

await runCommand(
  {
    name: "preview",
    summary: "show what `make up` would change, with the policies checked; nothing is changed",
    variables: [
      "STACK",
      "SANDBOX_IMAGE",
      "SKILLS_PATH",
      "REPLICAS",
      "NODE_IMAGE",
      "API_PORT",
      "HTTP_PORT",
      "SKIP_PULL",
      "ONLY",
    ],
  },
  async (given) => {
    const composed = composeStackFile(given);
    const { stack } = composed;
    writeStackFile(composed);
    const { env } = await setUp(stack);
    await initStack(stack, env);
    await engine(stack, ["preview", "--diff", "--policy-pack", "policies"], env);
    return 0;
  },
);
