// The NetworkPolicies around the egress proxy, on both sides, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import type { ProvisionerMetrics } from "../provisioner/args";
import { exceptions, toDns } from "../sandbox-network-policies/policies";
import { EgressProfile } from "../sandbox-network-policies/profiles";
import { EGRESS_LABEL, provisionedSelector } from "../shared/labels";
import { healthPort, proxyPort, proxySelector } from "./objects";
import type { EgressProxySettings } from "./resolve";

type Spec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** One policy. */
export interface SidePolicy {
  /** What its name ends in. */
  readonly suffix: string;
  readonly side: "system" | "sandboxes";
  readonly spec: Spec;
}

/** The pods that may use the proxy: none that the provisioner did not make is known to it. */
const users = { matchLabels: { ...provisionedSelector, [EGRESS_LABEL]: EgressProfile.Allowlist } };

/** What is only known when other resources are. */
export interface Known {
  readonly namespace: string;
  readonly systemNamespace: string;
  readonly clusterCidrs: readonly string[];
}

/** All policies. */
export function networkPolicies(
  { apiServer, deniedCidrs, dns, metrics }: EgressProxySettings,
  { namespace, systemNamespace, clusterCidrs }: Known,
): SidePolicy[] {
  const own = { podSelector: { matchLabels: { ...proxySelector } } };
  const inNamespace = (name: string) => ({
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
  });
  const ports = [{ protocol: "TCP", port: proxyPort }];
  const out = (suffix: string, egress: NonNullable<Spec["egress"]>): SidePolicy => ({
    ...{ suffix, side: "system" },
    spec: { ...own, policyTypes: ["Egress"], egress },
  });
  const shut = [...new Set([...clusterCidrs, ...deniedCidrs])];
  return [
    out("dns", toDns(dns)),
    out("api-server", [
      {
        to: apiServer.cidrs.map((cidr) => ({ ipBlock: { cidr } })),
        ports: apiServer.ports.map((port) => ({ protocol: "TCP", port })),
      },
    ]),
    // The proxy itself is behind the wall that it keeps: whatever it was talked into, nothing private would answer.
    out("internet", [
      {
        to: ["0.0.0.0/0", "::/0"].map((cidr) => ({ ipBlock: { cidr, except: exceptions(cidr, shut) } })),
      },
    ]),
    {
      ...{ suffix: "sandboxes", side: "system" },
      spec: {
        ...own,
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ ...inNamespace(namespace), podSelector: users }], ports }],
      },
    },
    ...(metrics === undefined ? [] : [scraperPolicy(own, metrics)]),
    {
      ...{ suffix: "egress", side: "sandboxes" },
      spec: {
        podSelector: users,
        policyTypes: ["Egress"],
        egress: [{ to: [{ ...inNamespace(systemNamespace), ...own }], ports }],
      },
    },
  ];
}

/** Lets the scraper's pods through to health and metrics, and not to the proxy. */
function scraperPolicy(own: Pick<Spec, "podSelector">, { scraper }: ProvisionerMetrics): SidePolicy {
  const from = {
    namespaceSelector: { matchLabels: scraper.namespaceLabels },
    podSelector: { matchLabels: scraper.podLabels },
  };
  return {
    ...{ suffix: "scraper", side: "system" },
    spec: {
      ...own,
      policyTypes: ["Ingress"],
      ingress: [{ from: [from], ports: [{ protocol: "TCP", port: healthPort }] }],
    },
  };
}
