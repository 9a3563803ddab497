// A client of the stack's cluster, with a connection that stays: a program of its own for each call would blur the times.
import { AppsV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";

import { kubeconfigPath } from "../commands/support/outputs.js";
import type { Stack } from "../commands/support/stack-file.js";

/** The API groups that benchmarks use. */
export interface Cluster {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
}

/** Connects to the cluster of a stack that is up. */
export function connect(stack: Stack): Cluster {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath(stack));
  return { config, core: config.makeApiClient(CoreV1Api), apps: config.makeApiClient(AppsV1Api) };
}
