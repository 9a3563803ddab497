// Takes all figures, one after the other, and prints them. Progress goes to standard error. Arguments: --json, --cold, and
// --only=cluster, --only=provisioner, --only=agent-sandbox, --only=stacks or --only=scores for one part of them.
import { cpus, loadavg } from "node:os";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@sandlot/toolchain/errors.js";
import { formatDuration, note, step } from "@sandlot/toolchain/progress.js";

import { nodeOf, readOutputs, type StackOutputs } from "../commands/support/outputs.js";
import { setUp } from "../commands/support/setup.js";
import { composeStackFile, writeStackFile } from "../commands/support/stack-file.js";
import { agentSandboxFigures } from "./agent-sandbox/index.js";
import { bareNode } from "./bare-node.js";
import { Cleanup } from "./cleanup.js";
import { connect, type Cluster } from "./cluster.js";
import { coldFigures, coldStart } from "./cold.js";
import { engineFigures } from "./engine.js";
import { execFigures } from "./exec.js";
import { formatTable, records, type Figure } from "./figures.js";
import { containerMemory } from "./memory.js";
import { PodBench } from "./pods.js";
import { provisionerFigures } from "./provisioner/index.js";
import { describeScores, takeScores } from "./scorers/index.js";
import { ownFindings, type Scores } from "./scorers/table.js";
import { stackFigures } from "./stacks.js";
import { startFigures, warmStart } from "./start.js";
import { stackName, type Surroundings } from "./surroundings.js";

/** How long a node is left alone before its memory is read, in milliseconds. */
const settleMs = 20_000;

/** A run that takes longer than this has gone astray, in minutes. */
const limitMinutes = { warm: 15, cold: 75, provisioner: 40, "agent-sandbox": 40, stacks: 15, scores: 30 };

const cold = process.argv.includes("--cold");
const json = process.argv.includes("--json");
const only = process.argv.find((each) => each.startsWith("--only="))?.slice("--only=".length);
const wants = (part: "cluster" | "provisioner" | "agent-sandbox" | "stacks" | "scores"): boolean =>
  only === undefined || only === part;

/** The groups of rows in the order in which they are printed, which is not the order in which they are taken. */
const groups = [
  "start",
  "engine",
  "pods",
  "idle",
  "node",
  "exec",
  "provisioner",
  "agent-sandbox",
  "cold",
  "stacks",
] as const;

/** The rows that have been taken so far. */
type Taken = Partial<Record<(typeof groups)[number], readonly Figure[]>> & { scores?: readonly Scores[] };

/** Makes the stack, takes the figures that need it, one group after the other, and puts them into `taken`. */
async function measure(taken: Taken, signal: AbortSignal, cleanup: Cleanup): Promise<void> {
  const composed = composeStackFile({ STACK: stackName });
  const { stack } = composed;
  writeStackFile(composed);
  const { env } = await step("Setup, so that caches are warm", () => setUp(stack));
  const around: Surroundings = { stack, env, signal, cleanup };

  const { start, down } = await warmStart(around);
  const outputs = readOutputs(stack);
  const image = nodeImage(stack.dir);
  const cluster = connect(stack);
  const node = nodeOf(stack, outputs);
  const nodeMemory = wants("cluster") ? await clusterFigures(taken, cluster, outputs, node, around) : 0;
  // The last in the cluster: what they leave behind, thousands of sandboxes in the end, goes with that.
  if (wants("provisioner") || wants("agent-sandbox")) {
    const { namespace: home, provisionerNamespace: system } = outputs;
    if (home === undefined || system === undefined)
      throw new UserError(
        "The stack bench has no provisioner.",
        "Set provisioner.enabled in stacks/Pulumi.bench.yaml.",
      );
    const model = { home, system, node };
    if (wants("agent-sandbox")) taken["agent-sandbox"] = await agentSandboxFigures(cluster, model, around);
    if (wants("provisioner")) taken.provisioner = await provisionerFigures(cluster, model, around);
  }
  await down();
  if (!wants("cluster")) return;
  const bare = await bareNode(image, settleMs, around);
  taken.start = startFigures(start, bare.readyMs);
  taken.node = [
    {
      figure: "node container with two idle sandboxes",
      unit: "bytes",
      ours: nodeMemory,
      reference: bare.memoryBytes,
      against: "the same node image, freshly started, nothing deployed",
    },
  ];
  if (cold) taken.cold = coldFigures(await coldStart(around), start);
}

/** The figures of a stack that is up. @returns the memory of its node, in bytes */
async function clusterFigures(
  taken: Taken,
  cluster: Cluster,
  { endpoint, namespace }: StackOutputs,
  node: string,
  around: Surroundings,
): Promise<number> {
  const { env, signal } = around;
  if (endpoint === undefined || namespace === undefined) {
    throw new UserError(
      "The stack bench publishes no sandbox.",
      "Set sandbox.hostPort in stacks/Pulumi.bench.yaml.",
    );
  }
  const nodeMemory = await step("Memory of the node", async () => {
    await sleep(settleMs, undefined, { signal });
    return containerMemory(node, env);
  });
  const { pods, close } = await PodBench.open(cluster, namespace, around);
  await pods.startIdle();
  taken.exec = await execFigures(cluster, { endpoint, namespace }, around);
  taken.idle = await pods.idleFigures();
  taken.pods = await pods.startFigures();
  await close();
  taken.engine = await engineFigures(around);
  return nodeMemory;
}

/** What was asked for. What it finds without an account of it makes the run fail, when all else is done. */
async function takeAll(taken: Taken, signal: AbortSignal, cleanup: Cleanup): Promise<void> {
  if (wants("cluster") || wants("provisioner") || wants("agent-sandbox"))
    await measure(taken, signal, cleanup);
  if (wants("stacks")) taken.stacks = await stackFigures(signal, cleanup);
  if (!wants("scores")) return;
  taken.scores = await takeScores(signal, cleanup);
  const open = ownFindings(taken.scores).filter(({ reason }) => reason === undefined);
  if (open.length === 0) return;
  throw new UserError(
    `Scorers find what nobody has accounted for: ${open.map(({ scorer, check }) => `${scorer} ${check}`).join(", ")}.`,
    "Correct the manifests, or say in bench/scorers/exceptions.ts why they are so.",
  );
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

function print(taken: Taken, seconds: number, load: number): void {
  const figures = groups.flatMap((group) => taken[group] ?? []);
  const { scores = [] } = taken;
  if (figures.length === 0 && scores.length === 0) return;
  const machine = { processors: cpus().length, model: cpus()[0]?.model ?? "", loadBefore: load };
  if (json) {
    const scored = scores.length === 0 ? {} : { scores, findings: ownFindings(scores) };
    console.log(JSON.stringify({ machine, seconds, figures: records(figures), ...scored }, null, 2));
    return;
  }
  const tables = [
    ...(figures.length === 0 ? [] : [formatTable(figures)]),
    ...(scores.length === 0 ? [] : [describeScores(scores)]),
  ];
  console.log(`\n${tables.join("\n\n")}\n`);
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
      interrupted.abort(
        new UserError(`Interrupted by ${name}.`, "All that it made is taken away now; run it again."),
      );
    });
  }
  const minutes =
    (wants("cluster") ? limitMinutes[cold ? "cold" : "warm"] : 0) +
    (wants("provisioner") ? limitMinutes.provisioner : 0) +
    (wants("agent-sandbox") ? limitMinutes["agent-sandbox"] : 0) +
    (wants("stacks") ? limitMinutes.stacks : 0) +
    (wants("scores") ? limitMinutes.scores : 0);
  const timer = setTimeout(() => {
    interrupted.abort(
      new UserError(`Not done after ${minutes} minutes.`, "Is the machine busy? See `make doctor`."),
    );
  }, minutes * 60_000);
  const cleanup = new Cleanup();
  const taken: Taken = {};
  const work = takeAll(taken, interrupted.signal, cleanup);
  const aborted = new Promise<never>((_, reject) => {
    interrupted.signal.addEventListener("abort", () => {
      reject(interrupted.signal.reason as Error);
    });
  });
  try {
    await Promise.race([work, aborted]);
    return 0;
  } catch (error) {
    await settled(work);
    console.error(error instanceof UserError ? `\nmake bench: ${error.message}\n${error.remedy}` : error);
    return 1;
  } finally {
    clearTimeout(timer);
    if (!(await cleanup.run())) process.exitCode = 1;
    // What was taken before something failed holds all the same.
    print(taken, (performance.now() - started) / 1000, load);
  }
}

process.exit((await main()) || Number(process.exitCode ?? 0));
