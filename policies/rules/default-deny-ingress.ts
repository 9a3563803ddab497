// Wherever sandboxes are, nobody gets in who was not let in on purpose.
import { namespacesWithout } from "../lib/namespaces";
import { deniesAll } from "../lib/network";
import { stackRule } from "../lib/rule";

export const defaultDenyIngress = stackRule(
  {
    name: "default-deny-ingress",
    group: "Network",
    description: "Every namespace that holds sandboxes has a NetworkPolicy that lets nobody in.",
    severity: "critical",
    remediationSteps:
      "Add a NetworkPolicy with an empty podSelector, policyTypes [Ingress, Egress] and no rules",
    url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic",
  },
  (objects) =>
    namespacesWithout(
      objects,
      "NetworkPolicy",
      (policy) => deniesAll(policy, "Ingress"),
      "lets everybody in by default",
    ),
);
