// Talks to the stack's cluster with the node's own kubectl: nothing to install, and much quicker to start than a client
// library.
import { UserError } from "@sandlot/toolchain/errors.js";
import { execa, type ResultPromise } from "execa";

import type { StackOutputs } from "./outputs.js";

/** A cluster: the node's container, and the environment for `docker`. */
export interface Cluster {
  readonly node: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The cluster that `outputs` are of. */
export function clusterOf(outputs: StackOutputs, env: NodeJS.ProcessEnv): Cluster {
  return { node: outputs.nodeContainer, env };
}

/** Selects the sandboxes' pods. */
export const sandboxSelector = "app.kubernetes.io/name=sandlot,app.kubernetes.io/component=sandbox";

const requestTimeout = "--request-timeout=20s";

/**
 * Runs kubectl and returns what it printed.
 * @throws UserError with kubectl's own words.
 */
export async function kubectl({ node, env }: Cluster, args: readonly string[]): Promise<string> {
  const { failed, stdout, stderr } = await execa("docker", ["exec", node, "kubectl", ...args], {
    env,
    reject: false,
  });
  if (failed) throw new UserError(`kubectl ${args.join(" ")}: ${stderr}`, "See `make status`.");
  return stdout;
}

/** What kubectl answers as JSON. @throws UserError with kubectl's own words. */
export async function kubectlJson<T>(cluster: Cluster, args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(cluster, [requestTimeout, ...args])) as T;
}

/** Runs kubectl with its output shown as it comes. */
export function showKubectl(
  { node, env }: Cluster,
  args: readonly string[],
): ResultPromise<{ stdio: "inherit"; reject: false }> {
  return execa("docker", ["exec", node, "kubectl", ...args], { env, stdio: "inherit", reject: false });
}

/** Replaces every sandbox by a new one, one after the other, and waits for the new ones. */
export async function restartSandboxes(cluster: Cluster, namespace: string): Promise<void> {
  await kubectl(cluster, ["--namespace", namespace, "rollout", "restart", "deployment/sandbox"]);
  await kubectl(cluster, [
    "--namespace",
    namespace,
    "rollout",
    "status",
    "deployment/sandbox",
    "--timeout=180s",
  ]);
}
