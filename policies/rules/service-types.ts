// How far a Service reaches: the cluster, its nodes' ports, or the internet.
import { objectRule } from "../lib/rule";
import { textAt } from "../lib/values";

export const serviceTypes = objectRule<{ allowed: string[] }>(
  {
    name: "service-types",
    group: "Network",
    description:
      "Services are reachable only as far as the environment allows: within the cluster, unless configured.",
    severity: "high",
    remediationSteps:
      "Set spec.type to ClusterIP, or allow the type in this environment's file in policies/config",
    url: "https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types",
    settings: {
      allowed: {
        type: "array",
        items: { type: "string", enum: ["ClusterIP", "NodePort", "LoadBalancer"] },
        default: ["ClusterIP"],
        description: "Types that Services may have.",
      },
    },
  },
  ["Service"],
  ({ object }, { allowed }) => {
    const type = textAt(object, "spec", "type") ?? "ClusterIP";
    // A name for something outside the cluster is no way in: no-external-names is about those.
    return type === "ExternalName" || allowed.includes(type)
      ? []
      : [`spec.type is ${type}; allowed: ${allowed.join(", ")}`];
  },
);
