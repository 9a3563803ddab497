// User 0 is root.
import { podRule } from "../lib/rule";
import { at } from "../lib/values";
import { securityContextsOf } from "../lib/workloads";

export const nonRootUser = podRule(
  {
    name: "non-root-user",
    group: "Pod Security",
    description: "No container states user 0.",
    severity: "high",
    remediationSteps: "Set runAsUser to a number that is not 0, such as 1000",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  },
  (workload) =>
    securityContextsOf(workload)
      .filter(({ context }) => at(context, "runAsUser") === 0)
      .map(({ label }) => `The ${label} runs as root (runAsUser is 0)`),
);
