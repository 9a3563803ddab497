// make down: everything away; the data stays unless it is asked for as well.
import { rmSync } from "node:fs";

import { note, step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { runCommand } from "./support/command.js";
import { removeOrphans, releaseLock } from "./support/leftovers.js";
import { removeContext, userKubeconfig } from "./support/merge-kubeconfig.js";
import { deleteNamespace, startIfStopped } from "./support/node.js";
import { engine, hasState, stackCommand } from "./support/pulumi.js";
import { setUpEngine } from "./support/setup.js";
import { composeStackFile, configured, writeStackFile, type ComposedStack } from "./support/stack-file.js";
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
      await startIfStopped(stack, env);
      await emptyCluster(composed, env);
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

/** Deletes what is in the cluster, unless configuration protects it. */
async function emptyCluster({ stack, document }: ComposedStack, env: NodeJS.ProcessEnv): Promise<void> {
  if (configured(document, "namespace", "protect") === true) return;
  const namespace = (configured(document, "namespace", "name") ?? "sandlot") as string;
  await step(`Namespace ${namespace}: delete`, () => deleteNamespace(stack, namespace, env));
}

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
