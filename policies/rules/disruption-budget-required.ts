// Nodes can be drained, but not all pods at once.
import { stackRule, type ClusterObject } from "../lib/rule";
import { maySelect } from "../lib/selectors";
import { at, mayEqual, mayExist, unknown, type Value } from "../lib/values";
import { serviceKinds, type Workload } from "../lib/workloads";

/** Whether a budget may be about the pods of a workload. */
function mayCover(budget: Value, target: ClusterObject, { labels, areLabelsKnown }: Workload): boolean {
  return (
    mayEqual(at(budget, "metadata", "namespace"), at(target.object, "metadata", "namespace")) &&
    (!areLabelsKnown || maySelect(at(budget, "spec", "selector"), labels))
  );
}

/** Whether a budget lets no pod go, so that no node could ever be drained. */
function letsNoneGo(budget: Value, replicas: Value): boolean {
  const most = at(budget, "spec", "maxUnavailable");
  const least = at(budget, "spec", "minAvailable");
  return (
    most === 0 ||
    most === "0%" ||
    least === "100%" ||
    (typeof least === "number" && typeof replicas === "number" && least >= replicas)
  );
}

export const disruptionBudgetRequired = stackRule(
  {
    name: "disruption-budget-required",
    group: "Availability",
    description: "Deployments and StatefulSets have a PodDisruptionBudget, and one that lets pods go at all.",
    severity: "medium",
    remediationSteps:
      "Add a PodDisruptionBudget that selects the pods and lets at least one go, such as maxUnavailable: 1",
    url: "https://kubernetes.io/docs/tasks/run-application/configure-pdb/",
    enforcementLevel: "advisory",
  },
  (objects) =>
    objects.flatMap((target) => {
      const { kind, object, urn, workload } = target;
      if (workload === undefined || object === unknown || !serviceKinds.includes(kind)) return [];
      const budgets = objects.filter(
        (each) => each.kind === "PodDisruptionBudget" && mayCover(each.object, target, workload),
      );
      if (budgets.length === 0)
        return [{ urn, message: `No PodDisruptionBudget selects the pods of the ${kind}` }];
      const replicas = at(object, "spec", "replicas");
      return budgets
        .filter((budget) => letsNoneGo(budget.object, mayExist(replicas) ? replicas : 1))
        .map((budget) => ({
          urn: budget.urn,
          message: `The PodDisruptionBudget lets no pod of the ${kind} go`,
        }));
    }),
);
