// make down: everything away; the data stays unless it is asked for as well.
import { rmSync } from "node:fs";

import { note, step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { removeOrphans, releaseLock } from "./support/leftovers.js";
import { removeContext, userKubeconfig } from "./support/merge-kubeconfig.js";
import { engine, hasState, stackCommand } from "./support/pulumi.js";
import { setUpEngine } from "./support/setup.js";
import { composeStackFile, writeStackFile } from "./support/stack-file.js";
import { isSet } from "./support/variables.js";

await runCommand(
  {
    name: "down",
    summary: "take the platform and the cluster down; the data is kept",
    variables: ["VOLUMES", "STACK"],
    examples: ["make down", "make down VOLUMES=1   # the data as well"],
  },
  async (given) => {
    const composed = composeStackFile(given);
    const { stack } = composed;
    writeStackFile(composed);
    const { env } = await setUpEngine();
    if (hasState(stack)) {
      await releaseLock(stack, env);
      await step(`Stack ${stack.name}: destroy`, () =>
        engine(stack, ["destroy", "--yes", "--skip-preview", "--suppress-outputs"], env),
      );
      await stackCommand(stack, ["stack", "rm", stack.name, "--yes"], env);
    }
    await removeOrphans(stack, env);
    removeContext(userKubeconfig(), `sandlot-${stack.name}`);
    rmSync(stack.dir, { recursive: true, force: true });
    await volumes(`sandlot-${stack.name}`, isSet(given.VOLUMES), env);
    return 0;
  },
);

/** Deletes the node's volume, or says that it is kept. */
async function volumes(name: string, remove: boolean, env: NodeJS.ProcessEnv): Promise<void> {
  const { failed } = await execa("docker", ["volume", "inspect", name], { env, reject: false });
  if (failed) return;
  if (!remove) {
    note(`The data is kept in the Docker volume ${name}; \`make down VOLUMES=1\` deletes it`);
    return;
  }
  await execa("docker", ["volume", "rm", name], { env });
  note(`The Docker volume ${name} is deleted`);
}
