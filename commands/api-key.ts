// make api-key: the provisioner's API key, from the stack's state, where it is encrypted.
import { UserError } from "@sandlot/toolchain/errors.js";

import { runCommand } from "./support/command.js";
import { deployedStack } from "./support/deployed.js";
import { stackOutputs } from "./support/pulumi.js";
import { setUpEngine } from "./support/setup.js";

await runCommand(
  {
    name: "api-key",
    summary: "print the provisioner's API key, that of the tenant default",
    variables: ["STACK"],
    examples: ['curl -H "X-API-Key: $(make -s api-key)" http://127.0.0.1:8081/v1/environments'],
  },
  async (given) => {
    const { stack, document } = deployedStack(given, "api-key");
    const { env } = await setUpEngine(document);
    const { apiKey } = await stackOutputs(stack, env);
    if (apiKey === undefined) {
      throw new UserError(
        `Stack ${stack.name} knows no API key.`,
        "It has no provisioner (provisioner.enabled), or its tenants' keys are known by their hashes alone.",
      );
    }
    console.log(apiKey);
    return 0;
  },
);
