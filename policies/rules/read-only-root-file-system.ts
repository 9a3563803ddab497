// What an image brought stays as it was: nothing is hidden in it, and what is written is in volumes with a size.
import { podRule } from "../lib/rule";
import { at, mayBe } from "../lib/values";
import { containersOf } from "../lib/workloads";

export const readOnlyRootFileSystem = podRule(
  {
    name: "read-only-root-file-system",
    group: "Isolation",
    description: "No container can write to its root file system.",
    severity: "medium",
    remediationSteps:
      "Set securityContext.readOnlyRootFilesystem to true and mount emptyDirs where it must write",
    url: "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/",
  },
  (workload) =>
    containersOf(workload)
      .filter(({ container }) => !mayBe(at(container, "securityContext", "readOnlyRootFilesystem"), true))
      .map(({ label }) => `The ${label} can write to its root file system`),
);
