// The runtime masks what /proc tells of the node, and it stays masked.
import { podRule } from "../lib/rule";
import { textAt } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const defaultProcMount = podRule(
  {
    name: "default-proc-mount",
    group: "Pod Security",
    description: "Containers see /proc as their runtime masks it.",
    severity: "high",
    remediationSteps: "Remove securityContext.procMount",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) => {
      const mount = textAt(container, "securityContext", "procMount") ?? "Default";
      return mount === "Default" ? [] : [`The ${label} has procMount ${mount}`];
    }),
);
