// A privileged container is the node.
import { podRule } from "../lib/rule";
import { at } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const noPrivilegedContainers = podRule(
  {
    name: "no-privileged-containers",
    group: "Pod Security",
    description: "No container is privileged.",
    severity: "critical",
    remediationSteps: "Remove securityContext.privileged",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) =>
    containersOf(workload)
      .filter(({ container }) => at(container, "securityContext", "privileged") === true)
      .map(({ label }) => `The ${label} is privileged`),
);
