// All sandboxes together take no more than was given to them.
import { namespacesWithout } from "../lib/namespaces";
import { stackRule } from "../lib/rule";
import { at, mayExist } from "../lib/values";

const amounts = ["pods", "limits.cpu", "limits.memory", "limits.ephemeral-storage"];

export const resourceQuotaRequired = stackRule(
  {
    name: "resource-quota-required",
    group: "Namespaces",
    description:
      "Every namespace that holds sandboxes has a ResourceQuota of pods, CPU, memory and ephemeral storage.",
    severity: "high",
    remediationSteps: `Add a ResourceQuota whose spec.hard has ${amounts.join(", ")}`,
    url: "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
  },
  (objects) =>
    namespacesWithout(
      objects,
      "ResourceQuota",
      (quota) => amounts.every((amount) => mayExist(at(quota, "spec", "hard", amount))),
      "has no quota of pods, CPU, memory and ephemeral storage",
    ),
);
