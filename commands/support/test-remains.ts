// What test runs that were cut off have left on the Docker engine, in this checkout or another.
import { stateDir } from "@sandlot/toolchain/paths.js";
import { note } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { testStacks } from "./stack-file.js";

type Kind = "container" | "volume" | "network";

/** The label of what single test files make without a stack: see test/integration/support/test-node.ts, plugins.test.ts. */
const stackless = "test-node";

/** Names of the objects of a stack, with the checkouts that they are of. */
async function objectsOf(
  kind: Kind,
  stack: string,
  env: NodeJS.ProcessEnv,
): Promise<{ id: string; owner: string }[]> {
  const all = kind === "container" ? ["--all"] : [];
  const id = kind === "volume" ? "{{.Name}}" : "{{.ID}}";
  const { stdout } = await execa(
    "docker",
    [
      ...[kind, "ls", ...all, "--filter", `label=sandlot.dev/stack=${stack}`],
      ...["--format", `${id} {{.Label "sandlot.dev/owner"}}`],
    ],
    { env },
  );
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [found = "", owner = ""] = line.split(" ");
      return { id: found, owner };
    });
}

/**
 * Removes what no test run will take down any more: nodes of other checkouts' test stacks, and nodes without a stack. Those of
 * this checkout's stacks stay: the tests go on with them or take them down. Only for who holds the lock on test runs.
 */
export async function removeTestRemains(env: NodeJS.ProcessEnv): Promise<void> {
  // Containers first: they hold on to the others.
  for (const kind of ["container", "volume", "network"] as const) {
    for (const stack of [...testStacks, stackless]) {
      for (const { id, owner } of await objectsOf(kind, stack, env)) {
        if (stack !== stackless && owner === stateDir) continue;
        note(`Removing the ${kind} ${id} of stack ${stack}, which a test run that was cut off left behind`);
        const force = kind === "container" ? ["--force", "--volumes"] : [];
        await execa("docker", [kind, "rm", ...force, id], { env });
      }
    }
  }
}
