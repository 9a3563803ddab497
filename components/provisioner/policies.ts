// The NetworkPolicies around the provisioner, on both sides, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { denyAll, peerSelector, toDns } from "../sandbox-network-policies/policies";
import { CLIENT_LABEL, provisionedSelector } from "../shared/labels";
import { apiPort, metricsPort, provisionerPeer, provisionerSelector } from "./objects";
import type { ProvisionerSettings } from "./resolve";
import { apiServerPolicy, egressPolicy, scraperPolicy, type SidePolicy } from "./side-policy";
import { toCollector } from "./tracing";

type Egress = NonNullable<k8s.types.input.networking.v1.NetworkPolicySpec["egress"]>;

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
    egressPolicy(own, "dns", toDns(dns)),
    apiServerPolicy(own, apiServer),
    egressPolicy(own, "sandboxes", [
      {
        to: [{ namespaceSelector: home, podSelector: { matchLabels: provisionedSelector } }],
        ports: [sandboxPorts],
      },
    ]),
    ...(clustersNetwork === undefined ? [] : [egressPolicy(own, "clusters", toClusters(clustersNetwork))]),
    ...(tracing === undefined ? [] : [egressPolicy(own, "collector", toCollector(tracing))]),
    {
      ...{ suffix: "clients", side: "system" },
      spec: { ...own, policyTypes: ["Ingress"], ingress: [{ from: callers, ports: apiPorts }] },
    },
    ...(metrics === undefined ? [] : [scraperPolicy(own, metrics, metricsPort)]),
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
}: NonNullable<ProvisionerSettings["clustersNetwork"]>): Egress {
  const blocks = (cidrs: readonly string[]) => cidrs.map((cidr) => ({ ipBlock: { cidr } }));
  return [
    { to: blocks(apiServerCidrs), ports: apiServerPorts.map((port) => ({ protocol: "TCP", port })) },
    { to: blocks(sandboxCidrs), ports: [sandboxPorts] },
  ];
}
