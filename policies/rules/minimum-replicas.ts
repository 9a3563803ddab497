// A service outlives the loss of a node, and of a second one while the first is being replaced.
import { stackRule, type ClusterObject } from "../lib/rule";
import { at, mayBe, mayEqual, unknown, type Value } from "../lib/values";
import { serviceKinds } from "../lib/workloads";

/** Whether an autoscaler may be the one that decides how many pods `target` has. */
function mayScale(scaler: Value, target: ClusterObject): boolean {
  const to = at(scaler, "spec", "scaleTargetRef");
  return (
    mayEqual(at(scaler, "metadata", "namespace"), at(target.object, "metadata", "namespace")) &&
    mayBe(at(to, "kind"), target.kind) &&
    mayEqual(at(to, "name"), at(target.object, "metadata", "name"))
  );
}

export const minimumReplicas = stackRule<{ minimum: number }>(
  {
    name: "minimum-replicas",
    group: "Availability",
    description:
      "Deployments and StatefulSets keep enough pods, by themselves or by an autoscaler's minimum.",
    severity: "medium",
    remediationSteps: "Raise spec.replicas, or the minReplicas of its HorizontalPodAutoscaler",
    url: "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas",
    enforcementLevel: "advisory",
    settings: {
      minimum: { type: "integer", minimum: 1, default: 3, description: "The least number of pods." },
    },
  },
  (objects, { minimum }) =>
    objects
      .filter(({ kind, object }) => serviceKinds.includes(kind) && object !== unknown)
      .flatMap((target) => {
        const scaler = objects.find(
          (each) => each.kind === "HorizontalPodAutoscaler" && mayScale(each.object, target),
        );
        const path = scaler === undefined ? ["spec", "replicas"] : ["spec", "minReplicas"];
        // Both are 1 if nothing is said.
        const count = at((scaler ?? target).object, ...path) ?? 1;
        return typeof count !== "number" || count >= minimum
          ? []
          : [
              {
                urn: target.urn,
                message: `The ${target.kind} keeps ${count} pods, which is less than ${minimum}`,
              },
            ];
      }),
);
