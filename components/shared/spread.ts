// How the pods of a service are kept from all being on the node or in the zone that fails.
import type * as k8s from "@pulumi/kubernetes";

const host = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";

/**
 * Spreads pods over nodes and zones as evenly as can be without keeping one from running. The scheduler leaves nodes out of account that
 * lack one of the labels of the constraints, and many clusters know no zones: there, the affinity alone keeps pods on different nodes.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/#conventions
 */
export function spreadOut(
  matchLabels: Readonly<Record<string, string>>,
): Pick<k8s.types.input.core.v1.PodSpec, "topologySpreadConstraints" | "affinity"> {
  const labelSelector = { matchLabels: { ...matchLabels } };
  return {
    topologySpreadConstraints: [host, zone].map((topologyKey) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector,
    })),
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 100, podAffinityTerm: { topologyKey: host, labelSelector } },
        ],
      },
    },
  };
}
