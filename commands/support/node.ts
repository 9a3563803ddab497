// The nodes' containers, seen from outside: started again when they were stopped, and emptied before they go.
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { agentsIn } from "./agents.js";
import { clusterIn, kubectl } from "./kubernetes.js";
import type { Stack } from "./stack-file.js";

const patience = { timeoutMs: 120_000, pollMs: 300 };

/** The state that Docker gives a container, such as `running`; undefined when there is none. */
async function containerState(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const format = ["--format", "{{.State.Status}}"];
  const { failed, stdout } = await execa("docker", ["container", "inspect", ...format, name], {
    env,
    reject: false,
  });
  return failed ? undefined : stdout.trim();
}

/** Starts a container that is there but does not run, and then does the rest. */
async function startContainer(
  node: string,
  env: NodeJS.ProcessEnv,
  rest?: () => Promise<void>,
): Promise<void> {
  const state = await containerState(node, env);
  if (state === undefined || state === "running") return;
  await step(`Node ${node} was ${state}: start it`, async () => {
    await execa("docker", [state === "paused" ? "unpause" : "start", node], { env });
    await rest?.();
  });
}

/** @throws UserError when the API in the container does not answer in time. */
async function apiAnswers(node: string, env: NodeJS.ProcessEnv): Promise<void> {
  const end = performance.now() + patience.timeoutMs;
  for (;;) {
    try {
      await kubectl(clusterIn(node, env), ["get", "--raw", "/readyz"]);
      return;
    } catch (error) {
      if (performance.now() > end) {
        const remedy = `See: docker logs ${node}. \`make up FORCE=1\` makes the node anew and keeps its data.`;
        throw new UserError(`The Kubernetes API in ${node} does not answer.`, remedy, { cause: error });
      }
      await sleep(patience.pollMs);
    }
  }
}

/**
 * Starts the stack's nodes that are there but stopped, and waits until the server's API answers: the engine takes a
 * container that it made for one that runs. Agents find their server by themselves.
 * @throws UserError when the API does not answer in time.
 */
export async function startIfStopped(stack: Stack, env: NodeJS.ProcessEnv): Promise<void> {
  const server = `sandlot-${stack.name}`;
  await startContainer(server, env, () => apiAnswers(server, env));
  for (const agent of await agentsIn("container", stack, env)) await startContainer(agent, env);
}

/**
 * Stops the agents at once. They are drained when they go one by one; when everything goes, there is no place to move pods
 * to, and a disruption budget would hold `make down` up.
 */
export async function stopAgents(stack: Stack, env: NodeJS.ProcessEnv): Promise<void> {
  const agents = await agentsIn("container", stack, env);
  if (agents.length > 0) await execa("docker", ["kill", ...agents], { env, reject: false });
}

/**
 * Deletes namespaces with all that is in them, also what an update that was cut off made and did not note:
 * the engine, which only knows what it noted, would wait for that in vain. What cannot be reached is left to the engine.
 */
export async function deleteNamespaces(
  stack: Stack,
  namespaces: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const node = `sandlot-${stack.name}`;
  if ((await containerState(node, env)) !== "running") return;
  const args = ["delete", "namespace", ...namespaces, "--ignore-not-found", "--timeout=90s"];
  await execa("docker", ["exec", node, "kubectl", ...args], { env, reject: false, timeout: 100_000 });
}
