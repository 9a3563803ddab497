// NetworkPolicies of a service beside sandboxes, such as the provisioner: they stand on both sides, and some are alike for each service.
import type * as k8s from "@pulumi/kubernetes";

import type { ProvisionerMetrics } from "./args";
import type { ProvisionerSettings } from "./resolve";

type Spec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** One policy. */
export interface SidePolicy {
  /** What its name ends in. */
  readonly suffix: string;
  /** Where it stands: in the services' namespace or in that of sandboxes. */
  readonly side: "system" | "sandboxes";
  readonly spec: Spec;
}

/** The pods of the service. */
type Own = Pick<Spec, "podSelector">;

/** Lets the service out to somewhere. */
export function egressPolicy(own: Own, suffix: string, egress: NonNullable<Spec["egress"]>): SidePolicy {
  return { suffix, side: "system", spec: { ...own, policyTypes: ["Egress"], egress } };
}

/** Lets the service out to the API server. */
export function apiServerPolicy(own: Own, { cidrs, ports }: ProvisionerSettings["apiServer"]): SidePolicy {
  return egressPolicy(own, "api-server", [
    {
      to: cidrs.map((cidr) => ({ ipBlock: { cidr } })),
      ports: ports.map((port) => ({ protocol: "TCP", port })),
    },
  ]);
}

/** Lets the scraper's pods through to the port that metrics are served at, and to no other. */
export function scraperPolicy(own: Own, { scraper }: ProvisionerMetrics, port: number): SidePolicy {
  const from = {
    namespaceSelector: { matchLabels: scraper.namespaceLabels },
    podSelector: { matchLabels: scraper.podLabels },
  };
  return {
    suffix: "scraper",
    side: "system",
    spec: {
      ...own,
      policyTypes: ["Ingress"],
      ingress: [{ from: [from], ports: [{ protocol: "TCP", port }] }],
    },
  };
}
