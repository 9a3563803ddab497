// The NetworkPolicies, built from plain settings. Policies only ever add up, so all of them stand on "deny everything".
import type * as k8s from "@pulumi/kubernetes";

import { contains, parseCidr } from "../shared/cidr";
import { CLIENT_LABEL, EGRESS_LABEL, sandboxSelector } from "../shared/labels";
import type { DnsPeer, IngressPeer } from "./args";
import { shutRanges, type ProfileReach } from "./profiles";

type Spec = k8s.types.input.networking.v1.NetworkPolicySpec;
type Peer = k8s.types.input.networking.v1.NetworkPolicyPeer;

/** The name of the container port that sandboxes answer at. */
export const httpPort = "http";

/** Nobody in, nothing out, for every pod of the namespace. */
export function denyAll(): Spec {
  return { podSelector: {}, policyTypes: ["Ingress", "Egress"] };
}

type EgressRule = k8s.types.input.networking.v1.NetworkPolicyEgressRule;

function toDns(dns: Required<DnsPeer>): EgressRule {
  const to = [
    { namespaceSelector: { matchLabels: dns.namespaceLabels }, podSelector: { matchLabels: dns.podLabels } },
  ];
  return { to, ports: ["UDP", "TCP"].map((protocol) => ({ protocol, port: dns.port })) };
}

/** Name resolution by the cluster's DNS, for sandboxes. */
export function allowDns(dns: Required<DnsPeer>): Spec {
  return {
    podSelector: { matchLabels: sandboxSelector },
    policyTypes: ["Egress"],
    egress: [toDns(dns)],
  };
}

/** What client pods of the sandboxes' namespace need: sandboxes' port, and DNS to find their Service. */
export function allowCallsOut(dns: Required<DnsPeer>): Spec {
  const toSandboxes = {
    to: [{ podSelector: { matchLabels: sandboxSelector } }],
    ports: [{ protocol: "TCP", port: httpPort }],
  };
  return {
    podSelector: { matchLabels: { [CLIENT_LABEL]: "true" } },
    policyTypes: ["Egress"],
    egress: [toSandboxes, toDns(dns)],
  };
}

/** Calls to sandboxes from those who may. */
export function allowClients(peers: readonly IngressPeer[]): Spec {
  const from = [{ podSelector: { matchLabels: { [CLIENT_LABEL]: "true" } } }, ...peers.map(peerSelector)];
  return {
    podSelector: { matchLabels: sandboxSelector },
    policyTypes: ["Ingress"],
    ingress: [{ from, ports: [{ protocol: "TCP", port: httpPort }] }],
  };
}

function peerSelector(peer: IngressPeer): Peer {
  if (peer.cidr !== undefined) return { ipBlock: { cidr: peer.cidr } };
  return {
    ...(peer.namespaceLabels === undefined
      ? {}
      : { namespaceSelector: { matchLabels: peer.namespaceLabels } }),
    ...(peer.podLabels === undefined ? {} : { podSelector: { matchLabels: peer.podLabels } }),
  };
}

/** What pods with a profile's label can reach. `clusterCidrs` are shut as {@link shutRanges} are. */
export function allowProfile(reach: ProfileReach, clusterCidrs: readonly string[]): Spec {
  const to = reach.reachable.map((cidr) => ({ ipBlock: { cidr, except: exceptions(cidr, clusterCidrs) } }));
  return {
    podSelector: { matchLabels: { ...sandboxSelector, [EGRESS_LABEL]: reach.profile } },
    policyTypes: ["Egress"],
    egress: to.length === 0 ? [] : [{ to }],
  };
}

/** The shut ranges that lie in `cidr`, without those that lie in another of them. */
export function exceptions(cidr: string, clusterCidrs: readonly string[]): string[] {
  const whole = parseCidr(cidr);
  const shut = [...new Set([...shutRanges.map((range) => range.cidr), ...clusterCidrs])];
  const parsed = shut.flatMap((text) => {
    const range = parseCidr(text);
    return range !== undefined && whole !== undefined && contains(whole, range) ? [{ text, range }] : [];
  });
  const covered = (one: (typeof parsed)[number]): boolean =>
    parsed.some(
      (other) => other !== one && contains(other.range, one.range) && !contains(one.range, other.range),
    );
  return parsed.filter((one) => !covered(one)).map((one) => one.text);
}
