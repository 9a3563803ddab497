// What `privileged` is on Linux, `hostProcess` is on Windows.
import { podRule } from "../lib/rule";
import { at } from "../lib/values";
import { securityContextsOf } from "../lib/workloads";

export const noHostProcess = podRule(
  {
    name: "no-host-process",
    group: "Pod Security",
    description: "No container runs as a process of a Windows node.",
    severity: "critical",
    remediationSteps: "Remove securityContext.windowsOptions.hostProcess",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
  },
  (workload) =>
    securityContextsOf(workload)
      .filter(({ context }) => at(context, "windowsOptions", "hostProcess") === true)
      .map(({ label }) => `The ${label} is a process of the node (windowsOptions.hostProcess is true)`),
);
