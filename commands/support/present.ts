// What `make up` says when all is done: a program was run in a sandbox, this came out, and here is how to go on.
import { setTimeout as sleep } from "node:timers/promises";

import type { StackOutputs } from "./outputs.js";
import { runInSandbox, type CommandResult } from "./sandbox.js";

/** The first program: it says what isolates it, then computes something. */
const program = [
  "import os, platform, sys",
  'print(f"Hello from Python {platform.python_version()} in pod {platform.node()}")',
  "print(f\"kernel: {platform.release()}, uid: {os.getuid()}, skills: {sorted(os.listdir('/mnt/skills'))}\")",
  'print("sum of the first 100 squares:", sum(n * n for n in range(101)))',
].join("\n");

/** How long sandboxes may take to answer, after the node was started anew, in milliseconds. */
const patienceMs = 90_000;

/** Runs the first program in the sandbox behind `endpoint`, as soon as one answers. */
export async function firstProgram(endpoint: string): Promise<CommandResult> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const answers = await fetch(`${endpoint}/v1/sandbox`, { signal: AbortSignal.timeout(3_000) }).catch(
      () => undefined,
    );
    if (answers?.ok === true) break;
    await sleep(500);
  }
  return runInSandbox(endpoint, `python3 - <<'PROGRAM'\n${program}\nPROGRAM`, 60);
}

/** The closing words, with the output of the first program. */
export function closingWords(outputs: StackOutputs, result: CommandResult): string {
  return [
    "",
    "A program was run in a sandbox, through its HTTP API:",
    ...result.stdout
      .trimEnd()
      .split("\n")
      .map((line) => `  │ ${line}`),
    "",
    `  sandbox API   ${outputs.endpoint ?? "-"}  (in the cluster: ${outputs.clusterEndpoint ?? "-"})`,
    `  Kubernetes    ${outputs.apiServer}`,
    "",
    "Next:",
    `  make exec CMD='python3 -c "print(6 * 7)"'   run a command in a sandbox`,
    "  make status                                 what runs, and what it uses",
    "  eval $(make -s kubeconfig)                  reach the cluster with kubectl",
    "",
  ].join("\n");
}
