// Takes all figures, one after the other, and prints them. Progress goes to standard error. Arguments: --json, --cold.
import { cpus, loadavg } from "node:os";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@sandlot/toolchain/errors.js";
import { formatDuration, note, step } from "@sandlot/toolchain/progress.js";

import { readOutputs } from "../commands/support/outputs.js";
import { setUp } from "../commands/support/setup.js";
import { composeStackFile, writeStackFile } from "../commands/support/stack-file.js";
import { bareNode } from "./bare-node.js";
import { Cleanup } from "./cleanup.js";
import { connect } from "./cluster.js";
import { coldFigures, coldStart } from "./cold.js";
import { engineFigures } from "./engine.js";
import { execFigures } from "./exec.js";
import { formatTable, records, type Figure } from "./figures.js";
import { containerMemory } from "./memory.js";
import { PodBench } from "./pods.js";
import { startFigures, warmStart } from "./start.js";
import { stackName, type Surroundings } from "./surroundings.js";

/** How long a node is left alone before its memory is read, in milliseconds. */
const settleMs = 20_000;

/** A run that takes longer than this has gone astray, in minutes. */
const limitMinutes = { warm: 15, cold: 75 };

const cold = process.argv.includes("--cold");
const json = process.argv.includes("--json");

/** Takes the figures. */
async function measure(signal: AbortSignal, cleanup: Cleanup): Promise<Figure[]> {
  const composed = composeStackFile({ STACK: stackName });
  const { stack } = composed;
  writeStackFile(composed);
  const { env } = await step("Setup, so that caches are warm", () => setUp(stack));
  const around: Surroundings = { stack, env, signal, cleanup };

  const { start, down } = await warmStart(around);
  // `make down` has removed the stack's folder and `make up` made it anew.
  const { endpoint, namespace, nodeContainer } = readOutputs(stack);
  if (endpoint === undefined || namespace === undefined) {
    throw new UserError(
      "The stack bench publishes no sandbox.",
      "Set sandbox.hostPort in stacks/Pulumi.bench.yaml.",
    );
  }
  const image = nodeImage(stack.dir);
  const cluster = connect(stack);
  const nodeMemory = await step("Memory of the node", async () => {
    await sleep(settleMs, undefined, { signal });
    return containerMemory(nodeContainer, env);
  });
  const pods = await PodBench.open(cluster, namespace, around);
  await pods.startIdle();
  const exec = await execFigures(cluster, { endpoint, namespace }, around);
  const idle = await pods.idleFigures();
  const podStart = await pods.startFigures();
  const engine = await engineFigures(around);
  await down();
  const node = await bareNode(image, settleMs, around);

  return [
    ...startFigures(start, node.readyMs),
    ...engine,
    ...podStart,
    ...idle,
    {
      figure: "node container with two idle sandboxes",
      unit: "bytes",
      ours: nodeMemory,
      reference: node.memoryBytes,
      against: "the same node image, freshly started, nothing deployed",
    },
    ...exec,
    ...(cold ? coldFigures(await coldStart(around), start) : []),
  ];
}

/** The image that setup chose for the node. */
function nodeImage(stackDir: string): string {
  const resolved = JSON.parse(readFileSync(join(stackDir, "resolved.json"), "utf8")) as {
    nodeImage: { ref: string };
  };
  return resolved.nodeImage.ref;
}

/** Waits for work that was told to stop, but not forever. */
async function settled(work: Promise<unknown>): Promise<void> {
  await Promise.race([work.catch(() => undefined), sleep(30_000, undefined, { ref: false })]);
}

function print(figures: readonly Figure[], seconds: number, load: number): void {
  const machine = { processors: cpus().length, model: cpus()[0]?.model ?? "", loadBefore: load };
  if (json) {
    console.log(JSON.stringify({ machine, seconds, figures: records(figures) }, null, 2));
    return;
  }
  console.log(`\n${formatTable(figures)}\n`);
  console.log(
    `${machine.processors} processors (${machine.model.trim()}), load before the run ${load.toFixed(1)}; ` +
      `taken in ${formatDuration(seconds * 1000)}`,
  );
}

async function main(): Promise<number> {
  const started = performance.now();
  const [load = 0] = loadavg();
  if (load > cpus().length / 2)
    note(`This machine is busy (load ${load.toFixed(1)}): the figures will be worse for it`);
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (!interrupted.signal.aborted) note(`${name}: all that was made is taken away`);
      interrupted.abort(new UserError(`Interrupted by ${name}.`, "Nothing is left behind; run it again."));
    });
  }
  const minutes = cold ? limitMinutes.cold : limitMinutes.warm;
  const timer = setTimeout(() => {
    interrupted.abort(
      new UserError(`Not done after ${minutes} minutes.`, "Is the machine busy? See `make doctor`."),
    );
  }, minutes * 60_000);
  const cleanup = new Cleanup();
  const work = measure(interrupted.signal, cleanup);
  const aborted = new Promise<never>((_, reject) => {
    interrupted.signal.addEventListener("abort", () => {
      reject(interrupted.signal.reason as Error);
    });
  });
  try {
    const figures = await Promise.race([work, aborted]);
    print(figures, (performance.now() - started) / 1000, load);
    return 0;
  } catch (error) {
    await settled(work);
    console.error(error instanceof UserError ? `\nmake bench: ${error.message}\n${error.remedy}` : error);
    return 1;
  } finally {
    clearTimeout(timer);
    if (!(await cleanup.run())) process.exitCode = 1;
  }
}

process.exit((await main()) || Number(process.exitCode ?? 0));
