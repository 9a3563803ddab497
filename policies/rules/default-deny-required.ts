// Wherever sandboxes are, nothing is reachable that was not opened on purpose.
import { stackRule } from "../lib/rule";
import { at, fieldsAt, listAt, mayExist, textAt, unknown, type Value } from "../lib/values";
import { isSandbox } from "../lib/workloads";

/** Whether a policy denies all traffic of all pods of its namespace, both ways. */
function deniesAll(policy: Value): boolean {
  const spec = at(policy, "spec");
  if (spec === unknown) return true;
  const everyPod =
    fieldsAt(spec, "podSelector", "matchLabels").length === 0 &&
    listAt(spec, "podSelector", "matchExpressions").length === 0;
  const types = listAt(spec, "policyTypes");
  const open = ["ingress", "egress"].some((field) => listAt(spec, field).length > 0);
  return (
    mayExist(at(spec, "podSelector")) &&
    everyPod &&
    types.includes("Ingress") &&
    types.includes("Egress") &&
    !open
  );
}

export const defaultDenyRequired = stackRule(
  {
    name: "default-deny-required",
    description:
      "Every namespace that holds sandboxes has a NetworkPolicy that denies all traffic, both ways.",
    severity: "critical",
    remediationSteps:
      "Add a NetworkPolicy with an empty podSelector, policyTypes [Ingress, Egress] and no rules",
    url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic",
  },
  (objects) => {
    const denied = new Set(
      objects
        .filter(({ kind, object }) => kind === "NetworkPolicy" && deniesAll(object))
        .map(({ object }) => textAt(object, "metadata", "namespace")),
    );
    return objects.flatMap(({ urn, workload }) => {
      // A namespace that is not known yet cannot be compared; in the update it is.
      if (workload?.namespace === undefined || !isSandbox(workload) || denied.has(workload.namespace))
        return [];
      return [
        {
          urn,
          message: `The namespace ${workload.namespace} holds sandboxes and does not deny traffic by default`,
        },
      ];
    });
  },
);
