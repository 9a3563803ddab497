// make down: everything away; the data stays unless it is asked for as well.
import { rmSync } from "node:fs";

import { UserError } from "@sandlot/toolchain/errors.js";
import { note, step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { agentsIn } from "./support/agents.js";
import { runCommand } from "./support/command.js";
import { configured } from "./support/configured.js";
import { removeOrphans, releaseLock } from "./support/leftovers.js";
import { removeContext, userKubeconfig } from "./support/merge-kubeconfig.js";
import { deleteNamespaces, startIfStopped, stopAgents } from "./support/node.js";
import { upCommand } from "./support/outputs.js";
import { engine, stackCommand } from "./support/pulumi.js";
import { setUpEngine } from "./support/setup.js";
import { lastStackFile, writeStackFile, type ComposedStack, type Stack } from "./support/stack-file.js";
import { describeResource, hasState, readState } from "./support/state.js";
import { refuseContainerVariables, targetKind } from "./support/target.js";
import { isSet } from "./support/variables.js";

await runCommand(
  {
    name: "down",
    summary: "take the platform and the cluster down; the data is kept, and a cluster that was there already",
    variables: ["VOLUMES", "STACK"],
    examples: ["make down", "make down VOLUMES=1   # the data as well"],
  },
  async (given) => {
    const composed = lastStackFile(given);
    const { stack, document } = composed;
    refuseContainerVariables(document, stack, given);
    refuseProtected(stack);
    writeStackFile(composed);
    const ownCluster = targetKind(document) === "container";
    const { env } = await setUpEngine(document);
    if (hasState(stack)) await releaseLock(stack, env);
    // Before what the state knows: the network goes only when nothing is in it.
    if (ownCluster) await removeOrphans(stack, env);
    if (hasState(stack)) {
      if (ownCluster) {
        await startIfStopped(stack, env);
        await emptyCluster(composed, env);
        await stopAgents(stack, env);
      }
      const kept = ownCluster ? [] : readState(stack).filter(({ retainOnDelete }) => retainOnDelete === true);
      await step(`Stack ${stack.name}: destroy`, () =>
        engine(stack, ["destroy", "--yes", "--skip-preview", "--suppress-outputs"], env),
      );
      await stackCommand(stack, ["stack", "rm", stack.name, "--yes"], env);
      for (const resource of kept) note(`Kept in the cluster: ${describeResource(resource)}`);
    }
    removeContext(userKubeconfig(), `sandlot-${stack.name}`);
    rmSync(stack.dir, { recursive: true, force: true });
    if (ownCluster) {
      for (const name of [`sandlot-${stack.name}`, ...(await agentsIn("volume", stack, env))])
        await volumes(name, isSet(given.VOLUMES), env);
    }
    return 0;
  },
);

/** @throws UserError when something must not be deleted: it is all or nothing. */
function refuseProtected(stack: Stack): void {
  const held = readState(stack).filter(({ protect }) => protect === true);
  if (held.length === 0) return;
  throw new UserError(
    `Stack ${stack.name} protects what \`make down\` would delete: ${held.map(describeResource).join(", ")}. ` +
      "Nothing was deleted.",
    "If it is to go with all that is in it: set namespace.protect to false in the stack's file, run " +
      `\`${upCommand(stack)}\`, which takes the protection off, and then this again.`,
  );
}

/** Deletes what is in the cluster. */
async function emptyCluster({ stack, document }: ComposedStack, env: NodeJS.ProcessEnv): Promise<void> {
  const namespace = (configured(document, "namespace", "name") ?? "sandlot") as string;
  // The provisioner's first: it would fill its pools again.
  const namespaces = [`${namespace}-system`, namespace];
  await step(`Namespace ${namespace}: delete`, () => deleteNamespaces(stack, namespaces, env));
}

/** Deletes a node's volume, or says that it is kept. */
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
