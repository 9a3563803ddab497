// No pod takes more than it was given.
import { podRule } from "../lib/rule";
import { at, mayExist } from "../lib/values";
import { containersOf } from "../lib/workloads";

const amounts = ["cpu", "memory", "ephemeral-storage"];

export const resourceLimitsRequired = podRule(
  {
    name: "resource-limits-required",
    group: "Resources",
    description: "Every container states requests and limits of CPU, memory and ephemeral storage.",
    severity: "high",
    remediationSteps: "Set resources.requests and resources.limits with cpu, memory and ephemeral-storage",
    url: "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) => {
      const missing = ["requests", "limits"].flatMap((group) =>
        amounts
          .filter((amount) => !mayExist(at(container, "resources", group, amount)))
          .map((amount) => `${group}.${amount}`),
      );
      return missing.length === 0 ? [] : [`The ${label} states no ${missing.join(", ")}`];
    }),
);
