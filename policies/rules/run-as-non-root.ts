// The kubelet refuses to start what would run as root.
import { podRule } from "../lib/rule";
import { at, mayBe } from "../lib/values";
import { inheritedBy } from "../lib/workloads";

export const runAsNonRoot = podRule(
  {
    name: "run-as-non-root",
    group: "Pod Security",
    description: "The kubelet refuses to start a container as root, whatever its image says.",
    severity: "high",
    remediationSteps: "Set runAsNonRoot to true",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  },
  (workload) => [
    ...(at(workload.spec, "securityContext", "runAsNonRoot") === false
      ? ["The pod may run as root (runAsNonRoot is false)"]
      : []),
    ...inheritedBy(workload, "runAsNonRoot")
      .filter(({ value }) => !mayBe(value, true))
      .map(({ label }) => `The ${label} may run as root (runAsNonRoot is not true)`),
  ],
);
