// A client of the stack's cluster.
import { setTimeout as sleep } from "node:timers/promises";

import { AppsV1Api, CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { UserError } from "@sandlot/toolchain/errors.js";
import type { Progress } from "@sandlot/toolchain/progress.js";

import { kubeconfigPath } from "./outputs.js";
import type { Stack } from "./stack-file.js";

/** The API groups that commands use. */
export interface Cluster {
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
  readonly apps: AppsV1Api;
}

export function connect(stack: Stack): Cluster {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath(stack));
  return { config, core: config.makeApiClient(CoreV1Api), apps: config.makeApiClient(AppsV1Api) };
}

/** Selects the sandboxes' pods. */
export const sandboxSelector = "app.kubernetes.io/name=sandlot,app.kubernetes.io/component=sandbox";

const deploymentName = "sandbox";
const patience = { timeoutMs: 180_000, pollMs: 500 };

/** Replaces every sandbox by a new one, as `kubectl rollout restart` does, and waits for the new ones. */
export async function restartSandboxes(
  { apps }: Cluster,
  namespace: string,
  progress: Progress,
): Promise<void> {
  const restartedAt = new Date().toISOString();
  await apps.patchNamespacedDeployment(
    {
      name: deploymentName,
      namespace,
      body: {
        spec: {
          template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": restartedAt } } },
        },
      },
      fieldManager: "sandlot-reload",
    },
    setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
  );
  const end = performance.now() + patience.timeoutMs;
  while (performance.now() < end) {
    const { metadata, spec, status } = await apps.readNamespacedDeployment({
      name: deploymentName,
      namespace,
    });
    const wanted = spec?.replicas ?? 0;
    const { updatedReplicas = 0, readyReplicas = 0, replicas = 0 } = status ?? {};
    progress.detail(`${updatedReplicas} of ${wanted} new`);
    const seen = (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
    if (seen && updatedReplicas === wanted && readyReplicas === wanted && replicas === wanted) return;
    await sleep(patience.pollMs);
  }
  throw new UserError(
    "The new sandboxes did not become Ready within 3 minutes.",
    "See `make status` and `make logs`.",
  );
}
