// The NetworkPolicies around the egress proxy, on both sides, built from plain settings.
import { apiServerPolicy, egressPolicy, scraperPolicy, type SidePolicy } from "../provisioner/side-policy";
import { exceptions, toDns } from "../sandbox-network-policies/policies";
import { EgressProfile } from "../sandbox-network-policies/profiles";
import { lies } from "../shared/cidr";
import { EGRESS_LABEL, provisionedSelector } from "../shared/labels";
import { healthPort, proxyPort, proxySelector } from "./objects";
import type { EgressProxySettings } from "./resolve";

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
  { apiServer, privateCidrs, deniedCidrs, dns, metrics }: EgressProxySettings,
  { namespace, systemNamespace, clusterCidrs }: Known,
): SidePolicy[] {
  const own = { podSelector: { matchLabels: { ...proxySelector } } };
  const inNamespace = (name: string) => ({
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
  });
  const ports = [{ protocol: "TCP", port: proxyPort }];
  const shut = [...new Set([...clusterCidrs, ...deniedCidrs])];
  return [
    egressPolicy(own, "dns", toDns(dns)),
    apiServerPolicy(own, apiServer),
    // The proxy itself is behind the wall that it keeps: whatever it was talked into, nothing private would answer.
    egressPolicy(own, "internet", [
      {
        to: ["0.0.0.0/0", "::/0"].map((cidr) => ({ ipBlock: { cidr, except: exceptions(cidr, shut) } })),
      },
    ]),
    ...(privateCidrs.length === 0
      ? []
      : [
          egressPolicy(own, "private", [
            {
              to: privateCidrs.map((cidr) => ({
                ipBlock: { cidr, except: shut.filter((each) => lies(each, cidr)) },
              })),
            },
          ]),
        ]),
    {
      ...{ suffix: "sandboxes", side: "system" },
      spec: {
        ...own,
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ ...inNamespace(namespace), podSelector: users }], ports }],
      },
    },
    // To health and metrics, and not to the proxy.
    ...(metrics === undefined ? [] : [scraperPolicy(own, metrics, healthPort)]),
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
