// Wherever sandboxes are, nothing gets out that was not let out on purpose.
import { namespacesWithout } from "../lib/namespaces";
import { deniesAll } from "../lib/network";
import { stackRule } from "../lib/rule";

export const defaultDenyEgress = stackRule(
  {
    name: "default-deny-egress",
    group: "Network",
    description: "Every namespace that holds sandboxes has a NetworkPolicy that lets nothing out.",
    severity: "critical",
    remediationSteps:
      "Add a NetworkPolicy with an empty podSelector, policyTypes [Ingress, Egress] and no rules",
    url: "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-deny-all-ingress-and-all-egress-traffic",
  },
  (objects) =>
    namespacesWithout(
      objects,
      "NetworkPolicy",
      (policy) => deniesAll(policy, "Egress"),
      "lets everything out by default",
    ),
);
