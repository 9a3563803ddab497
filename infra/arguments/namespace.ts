// From configuration to the sandboxes' namespace.
import { PreemptionPolicy, type SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";

/** Arguments of the namespace, its quota and limits. */
export function namespaceArguments({
  namespace = {},
}: SandlotConfig): NonNullable<SandboxPlatformArgs["namespace"]> {
  const { quota = {}, priority, ...space } = namespace;
  return {
    ...space,
    ...(priority === undefined
      ? {}
      : {
          priority: given({
            ...priority,
            preemptionPolicy: priority.preemptionPolicy && PreemptionPolicy[priority.preemptionPolicy],
          }),
        }),
    quota: given({
      pods: quota.pods,
      limitsCpu: quota.cpu,
      limitsMemory: quota.memory,
      limitsEphemeralStorage: quota.ephemeralStorage,
      requestsCpu: quota.requests?.cpu,
      requestsMemory: quota.requests?.memory,
      requestsEphemeralStorage: quota.requests?.ephemeralStorage,
      persistentVolumeClaims: quota.persistentVolumeClaims,
      services: quota.services,
      nodePorts: quota.nodePorts,
    }),
  };
}
