// Talks to the stack's cluster with kubectl: the node's own where the cluster is in a container of this machine, so that
// nothing has to be installed, else the one on PATH. Much quicker to start than a client library.
import { UserError } from "@sandlot/toolchain/errors.js";
import { findOnPath } from "@sandlot/toolchain/find.js";
import { execa, type ResultPromise } from "execa";

import { kubeconfigPath, type StackOutputs } from "./outputs.js";
import type { Stack } from "./stack-file.js";

/** A cluster: the command that runs kubectl for it, and that command's environment. */
export interface Cluster {
  readonly kubectl: readonly [program: string, ...first: string[]];
  readonly env: NodeJS.ProcessEnv;
}

/** The cluster in the container `node`. */
export function clusterIn(node: string, env: NodeJS.ProcessEnv): Cluster {
  return { kubectl: ["docker", "exec", "-i", node, "kubectl"], env };
}

/**
 * The cluster that `outputs` are of.
 * @throws UserError when it takes a kubectl that this machine lacks, and when there is no cluster.
 */
export function clusterOf(stack: Stack, outputs: StackOutputs, env: NodeJS.ProcessEnv): Cluster {
  if (outputs.nodeContainer !== undefined) return clusterIn(outputs.nodeContainer, env);
  if (outputs.context === undefined) {
    throw new UserError(
      `Stack ${stack.name} has no cluster.`,
      "Its target.kind is render: it only writes YAML files.",
    );
  }
  const program = findOnPath("kubectl", { ...process.env, ...env });
  if (program === undefined) {
    throw new UserError(
      `The cluster of stack ${stack.name} is reached with kubectl, and there is none on PATH.`,
      "Install it: https://kubernetes.io/docs/tasks/tools/#kubectl",
    );
  }
  return { kubectl: [program, "--kubeconfig", kubeconfigPath(stack), "--context", outputs.context], env };
}

/** Selects the sandboxes' pods. */
export const sandboxSelector = "app.kubernetes.io/name=sandlot,app.kubernetes.io/component=sandbox";

const requestTimeout = "--request-timeout=20s";

/**
 * Runs kubectl, with `input` as its standard input, and returns what it printed.
 * @throws UserError with kubectl's own words.
 */
export async function kubectl(
  { kubectl: [program, ...first], env }: Cluster,
  args: readonly string[],
  input = "",
): Promise<string> {
  const { failed, stdout, stderr } = await execa(program, [...first, ...args], { env, input, reject: false });
  if (failed) throw new UserError(`kubectl ${args.join(" ")}: ${stderr}`, "See `make status`.");
  return stdout;
}

/** What kubectl answers as JSON. @throws UserError with kubectl's own words. */
export async function kubectlJson<T>(cluster: Cluster, args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl(cluster, [requestTimeout, ...args])) as T;
}

/** Runs kubectl with its output shown as it comes. */
export function showKubectl(
  { kubectl: [program, ...first], env }: Cluster,
  args: readonly string[],
): ResultPromise<{ stdio: "inherit"; reject: false }> {
  return execa(program, [...first, ...args], { env, stdio: "inherit", reject: false });
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
