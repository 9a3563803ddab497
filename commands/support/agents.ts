// The stack's further nodes, as Docker knows them: one may be there that the last finished update has not told of.
import { stateDir } from "@sandlot/toolchain/paths.js";
import { execa } from "execa";

import type { Stack } from "./stack-file.js";

/** The name that the n-th agent's container, volume and node have. */
export function agentName(stack: Pick<Stack, "name">, n: number | string): string {
  return `sandlot-${stack.name}-agent-${n}`;
}

/** The names of this checkout's containers or volumes of the stack's agents, by number. */
export async function agentsIn(
  kind: "container" | "volume",
  stack: Pick<Stack, "name">,
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const labels = [`label=sandlot.dev/stack=${stack.name}`, `label=sandlot.dev/owner=${stateDir}`];
  const all = kind === "container" ? ["--all", "--format", "{{.Names}}"] : ["--format", "{{.Name}}"];
  const { stdout } = await execa(
    "docker",
    [kind, "ls", ...all, ...labels.flatMap((label) => ["--filter", label])],
    { env },
  );
  return stdout
    .split("\n")
    .filter((name) => name.startsWith(agentName(stack, "")))
    .sort();
}
