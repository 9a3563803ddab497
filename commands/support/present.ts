// What `make up` says when all is done: a program was run in a sandbox, this came out, and here is how to go on.
import { setTimeout as sleep } from "node:timers/promises";

import type { StackOutputs } from "./outputs.js";
import { runProvisioned, type ProvisionedRun, type Provisioner } from "./provisioned.js";
import { runInSandbox, type CommandResult } from "./sandbox.js";

/** The first program: it says what isolates it, then computes something. */
const program = [
  "import os, platform, sys",
  'print(f"Hello from Python {platform.python_version()} in pod {platform.node()}")',
  "skills = sorted(os.listdir('/mnt/skills'))",
  'print(f"kernel: {platform.release()}, uid: {os.getuid()}" + (f", skills: {skills}" if skills else ""))',
  'print("sum of the first 100 squares:", sum(n * n for n in range(101)))',
].join("\n");

const command = `python3 - <<'PROGRAM'\n${program}\nPROGRAM`;

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
  return runInSandbox(endpoint, command, 60);
}

/** Runs the first program in a sandbox of the provisioner's. */
export function firstProvisioned(provisioner: Provisioner): Promise<ProvisionedRun> {
  return runProvisioned(provisioner, command);
}

/** The closing words, with the output of the first program, and how it came to be where the provisioner gave the sandbox. */
export function closingWords(outputs: StackOutputs, result: CommandResult, run?: ProvisionedRun): string {
  const { provisionerEndpoint, provisionerClusterEndpoint } = outputs;
  const inCluster = (url: string | undefined): string => `(in the cluster: ${url ?? "-"})`;
  return [
    "",
    run === undefined
      ? "A program was run in a sandbox, through its HTTP API:"
      : "A sandbox came from the provisioner, ran a program and was given back:",
    ...result.stdout
      .trimEnd()
      .split("\n")
      .map((line) => `  │ ${line}`),
    "",
    ...(run === undefined
      ? []
      : [
          `  ${milliseconds(run.createMs)} to get the sandbox (${run.warm ? "from the pool" : "made anew"}), ` +
            `${milliseconds(run.runMs)} to run the program in it`,
          "",
        ]),
    ...(provisionerEndpoint === undefined
      ? []
      : [`  provisioner   ${provisionerEndpoint}  ${inCluster(provisionerClusterEndpoint)}`]),
    `  sandbox API   ${outputs.endpoint ?? "-"}  ${inCluster(outputs.clusterEndpoint)}`,
    `  Kubernetes    ${outputs.apiServer ?? "-"}`,
    "",
    "Next:",
    ...(run === undefined
      ? []
      : ["  make -s api-key                             the provisioner's API key; its API: docs/api.md"]),
    `  make exec CMD='python3 -c "print(6 * 7)"'   run a command in a sandbox`,
    "  make status                                 what runs, and what it uses",
    "  eval $(make -s kubeconfig)                  reach the cluster with kubectl",
    "",
  ].join("\n");
}

function milliseconds(value: number): string {
  return `${value.toFixed(0)} ms`;
}
