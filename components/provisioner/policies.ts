// The NetworkPolicies around the provisioner, on both sides, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { denyAll, peerSelector, toDns } from "../sandbox-network-policies/policies";
import { CLIENT_LABEL, provisionedSelector } from "../shared/labels";
import { apiPort, provisionerPeer, provisionerSelector } from "./objects";
import type { ProvisionerMetrics } from "./args";
import type { ProvisionerSettings } from "./resolve";
import { toCollector } from "./tracing";

type Spec = k8s.types.input.networking.v1.NetworkPolicySpec;

/** Where a policy stands. */
export type Side = "system" | "sandboxes";

/** One policy. */
export interface SidePolicy {
  /** What its name ends in. */
  readonly suffix: string;
  readonly side: Side;
  readonly spec: Spec;
}

/** The ports of sandboxes that the router leads to: those that need no privilege, the server's own among them. */
const sandboxPorts = { protocol: "TCP", port: 1024, endPort: 65535 };

const apiPorts = [{ protocol: "TCP", port: apiPort }];

/** All policies; the names of both namespaces are known by now. */
export function networkPolicies(
  settings: Pick<
    ProvisionerSettings,
    "apiServer" | "clients" | "clustersNetwork" | "dns" | "metrics" | "tracing"
  >,
  { namespace, systemNamespace }: { readonly namespace: string; readonly systemNamespace: string },
): SidePolicy[] {
  const { apiServer, clients, clustersNetwork, dns, metrics, tracing } = settings;
  const own = { podSelector: { matchLabels: { ...provisionerSelector } } };
  const home = { matchLabels: { "kubernetes.io/metadata.name": namespace } };
  const out = (suffix: string, egress: Spec["egress"]): SidePolicy => ({
    ...{ suffix, side: "system" as const },
    spec: { ...own, policyTypes: ["Egress"], egress: egress ?? [] },
  });
  const callers = [
    { namespaceSelector: home, podSelector: { matchLabels: { [CLIENT_LABEL]: "true" } } },
    ...clients.map((peer) => {
      const selector = peerSelector(peer);
      const here = peer.cidr === undefined && peer.namespaceLabels === undefined;
      return here ? { ...selector, namespaceSelector: home } : selector;
    }),
  ];
  return [
    { suffix: "deny-all", side: "system", spec: denyAll() },
    out("dns", toDns(dns)),
    out("api-server", [
      {
        to: apiServer.cidrs.map((cidr) => ({ ipBlock: { cidr } })),
        ports: apiServer.ports.map((port) => ({ protocol: "TCP", port })),
      },
    ]),
    out("sandboxes", [
      {
        to: [{ namespaceSelector: home, podSelector: { matchLabels: provisionedSelector } }],
        ports: [sandboxPorts],
      },
    ]),
    ...(clustersNetwork === undefined ? [] : [out("clusters", toClusters(clustersNetwork))]),
    ...(tracing === undefined ? [] : [out("collector", toCollector(tracing))]),
    {
      ...{ suffix: "clients", side: "system" },
      spec: { ...own, policyTypes: ["Ingress"], ingress: [{ from: callers, ports: apiPorts }] },
    },
    ...(metrics === undefined ? [] : [scraperPolicy(own, metrics)]),
    {
      ...{ suffix: "ingress", side: "sandboxes" },
      spec: {
        podSelector: { matchLabels: provisionedSelector },
        policyTypes: ["Ingress"],
        ingress: [{ from: [provisionerPeer(systemNamespace)], ports: [sandboxPorts] }],
      },
    },
    {
      ...{ suffix: "client-egress", side: "sandboxes" },
      spec: {
        podSelector: { matchLabels: { [CLIENT_LABEL]: "true" } },
        policyTypes: ["Egress"],
        egress: [{ to: [provisionerPeer(systemNamespace)], ports: apiPorts }],
      },
    },
  ];
}

/** To the API servers of other clusters and to sandboxes there, which no selector of this cluster knows. */
function toClusters({
  apiServerCidrs,
  apiServerPorts,
  sandboxCidrs,
}: NonNullable<ProvisionerSettings["clustersNetwork"]>): Spec["egress"] {
  const blocks = (cidrs: readonly string[]) => cidrs.map((cidr) => ({ ipBlock: { cidr } }));
  return [
    { to: blocks(apiServerCidrs), ports: apiServerPorts.map((port) => ({ protocol: "TCP", port })) },
    { to: blocks(sandboxCidrs), ports: [sandboxPorts] },
  ];
}

/** Metrics are served at the API's port; who may read them can call the API as well, for which it takes a key. */
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
      ingress: [{ from: [from], ports: apiPorts }],
    },
  };
}
