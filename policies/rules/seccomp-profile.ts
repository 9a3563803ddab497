// A filter between a container and the kernel's calls.
import { podRule } from "../lib/rule";
import { mayBe, textAt } from "../lib/values";
import { inheritedBy } from "../lib/workloads";

export const seccompProfile = podRule(
  {
    name: "seccomp-profile",
    group: "Pod Security",
    description: "Every container has a seccomp profile, its own or its pod's.",
    severity: "high",
    remediationSteps: "Set seccompProfile.type to RuntimeDefault",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  },
  (workload) => [
    ...(textAt(workload.spec, "securityContext", "seccompProfile", "type") === "Unconfined"
      ? ["The pod's seccomp profile is Unconfined"]
      : []),
    ...inheritedBy(workload, "seccompProfile", "type")
      .filter(({ value }) => !mayBe(value, "RuntimeDefault") && !mayBe(value, "Localhost"))
      .map(({ label }) => `The ${label} has no seccomp profile`),
  ],
);
