// Root's powers, one by one: none is kept.
import { podRule } from "../lib/rule";
import { at, listAt, mayBe, unknown, type Value } from "../lib/values";
import { containersOf } from "../lib/workloads";

function problems(container: Value, allowed: readonly string[]): string[] {
  const drops = at(container, "securityContext", "capabilities", "drop");
  const dropsAll = drops === unknown || (Array.isArray(drops) && drops.some((name) => mayBe(name, "ALL")));
  const added = listAt(container, "securityContext", "capabilities", "add").filter(
    (name): name is string => typeof name === "string" && !allowed.includes(name),
  );
  return [
    ...(dropsAll ? [] : ["keeps capabilities (capabilities.drop is not [ALL])"]),
    ...(added.length === 0 ? [] : [`adds capabilities (${added.join(", ")})`]),
  ];
}

export const droppedCapabilities = podRule<{ allowed: string[] }>(
  {
    name: "dropped-capabilities",
    group: "Pod Security",
    description: "Containers drop all capabilities and add none that is not allowed.",
    severity: "high",
    remediationSteps: "Set capabilities.drop to [ALL] and remove capabilities.add",
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
    settings: {
      allowed: {
        type: "array",
        // Pod Security `restricted` knows one exception.
        items: { type: "string", enum: ["NET_BIND_SERVICE"] },
        default: [],
        description: "Capabilities that may be added: `NET_BIND_SERVICE` or none.",
      },
    },
  },
  (workload, { allowed }) =>
    containersOf(workload).flatMap(({ label, container }) =>
      problems(container, allowed).map((problem) => `The ${label} ${problem}`),
    ),
);
