// Pods of one service are not all on the node that fails.
import { podRule } from "../lib/rule";
import { at, listAt, mayBe, unknown } from "../lib/values";
import { serviceKinds } from "../lib/workloads";

export const topologySpreadRequired = podRule<{ topologyKeys: string[] }>(
  {
    name: "topology-spread-required",
    group: "Availability",
    description: "Deployments and StatefulSets spread their pods over nodes and zones.",
    severity: "medium",
    remediationSteps: "Add a topologySpreadConstraint for the topologyKey",
    url: "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/",
    enforcementLevel: "advisory",
    settings: {
      topologyKeys: {
        type: "array",
        items: { type: "string" },
        default: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
        description: "Labels of nodes that pods are to be spread over.",
      },
    },
  },
  ({ kind, spec }, { topologyKeys }) => {
    if (!serviceKinds.includes(kind) || spec === unknown || at(spec, "topologySpreadConstraints") === unknown)
      return [];
    const constraints = listAt(spec, "topologySpreadConstraints");
    return topologyKeys
      .filter((key) => !constraints.some((constraint) => mayBe(at(constraint, "topologyKey"), key)))
      .map((key) => `The ${kind} does not spread its pods over ${key}`);
  },
);
