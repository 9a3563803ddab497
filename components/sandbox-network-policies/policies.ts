// The NetworkPolicies, built from plain settings. Policies only ever add up, so all of them stand on "deny everything".
import type * as k8s from "@pulumi/kubernetes";

import { contains, parseAddress, parseCidr } from "../shared/cidr";
import { CLIENT_LABEL, EGRESS_LABEL, sandboxSelector, sharedSelector } from "../shared/labels";
import type { AllowedRangeSettings } from "./allowlist";
import type { AllowedPort, DnsPeer, IngressPeer } from "./args";
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

/** The port of a DNS cache on a node: that of the protocol, whatever port the cluster's DNS pods have. */
const dnsCachePort = 53;

/** Name resolution by the cluster. */
export function toDns(dns: Required<DnsPeer>): EgressRule[] {
  const pods = [
    { namespaceSelector: { matchLabels: dns.namespaceLabels }, podSelector: { matchLabels: dns.podLabels } },
  ];
  const caches = dns.nodeLocalAddresses.map((address) => ({ ipBlock: { cidr: hostRange(address) } }));
  const at = (port: number) => ["UDP", "TCP"].map((protocol) => ({ protocol, port }));
  return [
    { to: pods, ports: at(dns.port) },
    ...(caches.length === 0 ? [] : [{ to: caches, ports: at(dnsCachePort) }]),
  ];
}

/** One address as a range. */
function hostRange(address: string): string {
  return `${address}/${parseAddress(address)?.family === 6 ? 128 : 32}`;
}

/**
 * Name resolution by the cluster's DNS, for shared sandboxes. Those that the provisioner makes have it in profile `open` alone: in
 * the others it would be a way out, by the names asked for.
 */
export function allowDns(dns: Required<DnsPeer>): Spec {
  return {
    podSelector: { matchLabels: sharedSelector },
    policyTypes: ["Egress"],
    egress: toDns(dns),
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
    egress: [toSandboxes, ...toDns(dns)],
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

/** A peer as Kubernetes takes it. */
export function peerSelector(peer: IngressPeer): Peer {
  if (peer.cidr !== undefined) return { ipBlock: { cidr: peer.cidr } };
  return {
    ...(peer.namespaceLabels === undefined
      ? {}
      : { namespaceSelector: { matchLabels: peer.namespaceLabels } }),
    ...(peer.podLabels === undefined ? {} : { podSelector: { matchLabels: peer.podLabels } }),
  };
}

/** What profiles stand on, beside {@link shutRanges}. */
export interface ProfileSettings {
  /** Shut as {@link shutRanges} are. */
  readonly clusterCidrs: readonly string[];
  readonly allowlist: readonly AllowedRangeSettings[];
  readonly dns: Required<DnsPeer>;
}

/** Whether a profile lets anything through; without a policy of its own the default denies. */
export function opensAnything(reach: ProfileReach, allowlist: readonly AllowedRangeSettings[]): boolean {
  return reach.reachable.length > 0 || (reach.allowlist && allowlist.length > 0);
}

/**
 * What pods with a profile's label can reach. The allow list is for shared sandboxes alone: those that the provisioner makes have
 * rules of their own, and the list would be a way around the proxy that keeps them.
 */
export function allowProfile(reach: ProfileReach, { clusterCidrs, allowlist, dns }: ProfileSettings): Spec {
  const ranges = reach.reachable.map((cidr) => ({
    ipBlock: { cidr, except: exceptions(cidr, clusterCidrs) },
  }));
  const selector = reach.allowlist ? sharedSelector : sandboxSelector;
  return {
    podSelector: { matchLabels: { ...selector, [EGRESS_LABEL]: reach.profile } },
    policyTypes: ["Egress"],
    egress: [
      ...(ranges.length === 0 ? [] : [{ to: ranges }]),
      ...(reach.names ? toDns(dns) : []),
      ...(reach.allowlist ? allowlist.map(toListed) : []),
    ],
  };
}

/** A range is a rule of its own, because its ports are. */
function toListed({ cidr, ports }: AllowedRangeSettings): EgressRule {
  return { to: [{ ipBlock: { cidr } }], ports: ports.map(policyPort) };
}

function policyPort({ port, endPort, protocol }: Required<AllowedPort>) {
  return { protocol: protocol as string, port, ...(endPort === port ? {} : { endPort }) };
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
