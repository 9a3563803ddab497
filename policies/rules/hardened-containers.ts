// Pod Security `restricted`, and a root file system that cannot be written to.
import { podRule } from "../lib/rule";
import { at, listAt, mayBe, unknown, type Value } from "../lib/values";
import { containersOf } from "../lib/workloads";

/** A setting that a container can take over from its pod. */
function inherited(container: Value, spec: Value, ...path: string[]): Value {
  const own = at(container, "securityContext", ...path);
  return own === undefined || own === null ? at(spec, "securityContext", ...path) : own;
}

function problems(container: Value, spec: Value): string[] {
  const own = (field: string): Value => at(container, "securityContext", field);
  const user = inherited(container, spec, "runAsUser");
  const profile = inherited(container, spec, "seccompProfile", "type");
  const drops = at(container, "securityContext", "capabilities", "drop");
  const added = listAt(container, "securityContext", "capabilities", "add").filter(
    (name) => name !== unknown,
  );
  const dropsAll = drops === unknown || (Array.isArray(drops) && drops.some((name) => mayBe(name, "ALL")));
  return [
    ...(mayBe(inherited(container, spec, "runAsNonRoot"), true)
      ? []
      : ["may run as root (runAsNonRoot is not true)"]),
    ...(user === 0 ? ["runs as root (runAsUser is 0)"] : []),
    ...(mayBe(own("allowPrivilegeEscalation"), false)
      ? []
      : ["may gain privileges (allowPrivilegeEscalation is not false)"]),
    ...(mayBe(own("readOnlyRootFilesystem"), true)
      ? []
      : ["can write to its root file system (readOnlyRootFilesystem is not true)"]),
    ...(dropsAll ? [] : ["keeps capabilities (capabilities.drop is not [ALL])"]),
    ...(added.length === 0 ? [] : [`adds capabilities (${added.map(String).join(", ")})`]),
    ...(mayBe(profile, "RuntimeDefault") || mayBe(profile, "Localhost")
      ? []
      : ["has no seccomp profile (seccompProfile.type is not RuntimeDefault)"]),
  ];
}

export const hardenedContainers = podRule(
  {
    name: "hardened-containers",
    description:
      "Containers run as an ordinary user, without capabilities, on a read-only root file system, with seccomp.",
    severity: "high",
    remediationSteps:
      "Set runAsNonRoot and readOnlyRootFilesystem to true, allowPrivilegeEscalation to false, capabilities.drop to [ALL] and " +
      "seccompProfile.type to RuntimeDefault",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) =>
      problems(container, workload.spec).map((problem) => `The ${label} ${problem}`),
    ),
);
