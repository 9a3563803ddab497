// The node image started by a bare `docker run`, with nothing deployed: the reference of the cluster's time and memory.
import { setTimeout as sleep } from "node:timers/promises";

import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { containerMemory } from "./memory.js";
import type { Surroundings } from "./surroundings.js";

/** What a bare node takes: milliseconds until it is Ready, bytes when it has settled. */
export interface BareNode {
  readonly readyMs: number;
  readonly memoryBytes: number;
}

const container = "sandlot-bench-reference";
const patience = { readySeconds: 120, pollMs: 300 };

/**
 * Starts a node, waits until it is Ready and then until it has settled, and removes it.
 * @param settleMs how long after that its memory is read: as long as was given to ours
 */
export async function bareNode(image: string, settleMs: number, around: Surroundings): Promise<BareNode> {
  const { env, signal, cleanup } = around;
  const docker = (...args: string[]) => execa("docker", args, { env, stdin: "ignore", cancelSignal: signal });
  const remove = async (): Promise<void> => {
    await execa("docker", ["container", "rm", "--force", "--volumes", container], { env, reject: false });
  };
  await remove();
  const removeNow = cleanup.add(`The container ${container}`, remove);
  return step("Reference: a bare node of the same image", async (progress) => {
    const started = performance.now();
    await docker(
      "run",
      "--detach",
      "--privileged",
      "--name",
      container,
      "--hostname",
      container,
      image,
      "server",
    );
    await nodeReady(signal, env);
    const readyMs = performance.now() - started;
    progress.detail("Ready; its memory is read when it has settled");
    await sleep(settleMs, undefined, { signal });
    const memoryBytes = await containerMemory(container, env);
    await removeNow();
    return { readyMs, memoryBytes };
  });
}

/** Asks as the program's own script does: by kubectl in the container. */
async function nodeReady(signal: AbortSignal, env: NodeJS.ProcessEnv): Promise<void> {
  const wait = ["kubectl", "wait", "--for=condition=Ready", "node", "--all", "--timeout=2s"];
  const end = performance.now() + patience.readySeconds * 1000;
  while (performance.now() < end) {
    const { failed } = await execa("docker", ["exec", container, ...wait], {
      env,
      reject: false,
      cancelSignal: signal,
    });
    if (!failed) return;
    await sleep(patience.pollMs, undefined, { signal });
  }
  throw new Error(`the bare node was not Ready after ${patience.readySeconds} seconds`);
}
