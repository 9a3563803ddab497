// A set-user-ID program makes nobody more than they are.
import { podRule } from "../lib/rule";
import { at, mayBe } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const noPrivilegeEscalation = podRule(
  {
    name: "no-privilege-escalation",
    group: "Pod Security",
    description: "No process of a container can gain more privileges than its parent has.",
    severity: "high",
    remediationSteps: "Set securityContext.allowPrivilegeEscalation to false",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  },
  (workload) =>
    containersOf(workload)
      .filter(({ container }) => !mayBe(at(container, "securityContext", "allowPrivilegeEscalation"), false))
      .map(({ label }) => `The ${label} may gain privileges (allowPrivilegeEscalation is not false)`),
);
