// The stand-in for the plugin of @pulumi/command.
import { unsupported } from "../provider/provider.js";
import type { Plugin } from "../provider/resource.js";
import { validate } from "../provider/schema.js";
import { command, run, runSchema } from "./command.js";

/** The plugin, under the version of the official one whose place it takes. */
export function commandPlugin(version: string): Plugin {
  const identity = { name: "command", version };
  return {
    ...identity,
    resources: { "command:local:Command": command },
    functions: {
      "command:local:run": async (args, context) => {
        const [failure] = validate(runSchema, args, (argument) => unsupported(identity, "run", argument));
        if (failure !== undefined) throw new Error(failure.reason);
        return run(args, context);
      },
    },
    configure: () => undefined,
  };
}
