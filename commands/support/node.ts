// The node's container, seen from outside: started again when it was stopped, and emptied before it goes.
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { clusterIn, kubectl } from "./kubernetes.js";
import type { Stack } from "./stack-file.js";

const patience = { timeoutMs: 120_000, pollMs: 300 };

/** The state that Docker gives the stack's container, such as `running`; undefined when there is none. */
async function containerState(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const format = ["--format", "{{.State.Status}}"];
  const { failed, stdout } = await execa("docker", ["container", "inspect", ...format, name], {
    env,
    reject: false,
  });
  return failed ? undefined : stdout.trim();
}

/**
 * Starts the stack's node if it is there but stopped, and waits until its API answers: the engine takes a container that
 * it made for one that runs.
 * @throws UserError when the API does not answer in time.
 */
export async function startIfStopped(stack: Stack, env: NodeJS.ProcessEnv): Promise<void> {
  const node = `sandlot-${stack.name}`;
  const state = await containerState(node, env);
  if (state === undefined || state === "running") return;
  await step(`Node ${node} was ${state}: start it`, async () => {
    await execa("docker", [state === "paused" ? "unpause" : "start", node], { env });
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
  });
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
