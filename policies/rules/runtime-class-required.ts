// Untrusted code does not run on the node's own kernel.
import { podRule } from "../lib/rule";
import { at, mayExist } from "../lib/values";
import { isSandbox } from "../lib/workloads";

export const runtimeClassRequired = podRule(
  {
    name: "runtime-class-required",
    group: "Isolation",
    description:
      "Sandboxes run under a RuntimeClass, which puts a kernel of their own between them and the node.",
    severity: "critical",
    remediationSteps: "Set spec.runtimeClassName, such as gvisor",
    url: "https://kubernetes.io/docs/concepts/containers/runtime-class/",
  },
  (workload) =>
    !isSandbox(workload) || mayExist(at(workload.spec, "runtimeClassName"))
      ? []
      : ["The pods hold untrusted code and name no runtimeClassName"],
);
