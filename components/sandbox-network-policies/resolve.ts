// The network walls' settings: defaults filled in, everything held against its rule.
import * as pulumi from "@pulumi/pulumi";

import { Checks, isDeferred, type Rule } from "../shared/checks";
import { parseAddress, parseCidr } from "../shared/cidr";
import { over } from "../shared/defaults";
import { cidr, dnsLabel, integerBetween, oneOf, port, selector } from "../shared/rules";
import { openedRanges, repeatedRanges, withRangeDefaults, type AllowedRangeSettings } from "./allowlist";
import { EgressProtocol, type DnsPeer, type IngressPeer, type SandboxNetworkPoliciesArgs } from "./args";
import { metadataAddresses } from "./profiles";

/** {@link SandboxNetworkPoliciesArgs} with every default filled in. */
export interface SandboxNetworkSettings {
  namespace: pulumi.Input<string>;
  ingressPeers: IngressPeer[];
  allowlist: AllowedRangeSettings[];
  clusterCidrs: pulumi.Input<string>[];
  dns: Required<DnsPeer>;
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxNetworkPoliciesArgs): SandboxNetworkSettings {
  return {
    namespace: args.namespace,
    ingressPeers: args.ingressPeers ?? [],
    allowlist: (args.allowlist ?? []).map(withRangeDefaults),
    clusterCidrs: args.clusterCidrs ?? [],
    dns: over<Required<DnsPeer>>(
      {
        namespaceLabels: { "kubernetes.io/metadata.name": "kube-system" },
        podLabels: { "k8s-app": "kube-dns" },
        port: 53,
        nodeLocalAddresses: [],
      },
      args.dns,
    ),
  };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SandboxNetworkPoliciesArgs): SandboxNetworkSettings {
  const settings = withDefaults(args);
  const { dns, allowlist } = settings;
  const checks = new Checks("SandboxNetworkPolicies", name);
  const resolved: SandboxNetworkSettings = {
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
    ingressPeers: settings.ingressPeers.map((peer, i) => checkPeer(checks, `ingressPeers[${i}]`, peer)),
    allowlist,
    clusterCidrs: settings.clusterCidrs.map((range, i) =>
      checks.input(`clusterCidrs[${i}]`, range, clusterRange),
    ),
    dns,
  };
  checkRepeatedPeers(checks, settings.ingressPeers);
  checkAllowlist(checks, allowlist);
  const plainCidrs = settings.clusterCidrs.filter((range): range is string => !isDeferred(range));
  for (const sentence of openedRanges(allowlist, plainCidrs)) checks.problem(sentence);
  checks.plain("dns.namespaceLabels", dns.namespaceLabels, selector);
  checks.plain("dns.podLabels", dns.podLabels, selector);
  checks.plain("dns.port", dns.port, port);
  for (const [i, address] of dns.nodeLocalAddresses.entries()) {
    checks.plain(`dns.nodeLocalAddresses[${i}]`, address, dnsAddress);
    if (dns.nodeLocalAddresses.indexOf(address) < i)
      checks.problem(
        `dns.nodeLocalAddresses[${i}] is "${address}", which an earlier entry is already; remove one`,
      );
  }
  checks.finish();
  return { ...resolved, clusterCidrs: whenKnown(name, resolved) };
}

/** Cluster ranges that are only known later are held against the allow list when they are. */
function whenKnown(
  name: string,
  { clusterCidrs, allowlist }: SandboxNetworkSettings,
): pulumi.Input<string>[] {
  return clusterCidrs.map((range) =>
    isDeferred(range)
      ? pulumi.output(range).apply((known) => {
          const checks = new Checks("SandboxNetworkPolicies", name);
          for (const sentence of openedRanges(allowlist, [known])) checks.problem(sentence);
          checks.finish();
          return known;
        })
      : range,
  );
}

function checkPeer(checks: Checks, field: string, peer: IngressPeer): IngressPeer {
  const byLabels = peer.podLabels !== undefined || peer.namespaceLabels !== undefined;
  if (byLabels === (peer.cidr !== undefined)) {
    const found = byLabels ? "both labels and cidr" : "neither labels nor cidr";
    checks.problem(`${field} has ${found}; give podLabels and namespaceLabels, one of them, or cidr alone`);
  }
  checks.plain(`${field}.podLabels`, peer.podLabels, selector);
  checks.plain(`${field}.namespaceLabels`, peer.namespaceLabels, selector);
  return peer.cidr === undefined
    ? peer
    : { ...peer, cidr: checks.input(`${field}.cidr`, peer.cidr, peerRange) };
}

function checkRepeatedPeers(checks: Checks, peers: readonly IngressPeer[]): void {
  const sorted = (labels: Record<string, string> = {}) => Object.entries(labels).sort();
  const seen = new Map<string, number>();
  for (const [i, peer] of peers.entries()) {
    if (isDeferred(peer.cidr)) continue;
    const key = JSON.stringify([peer.cidr, sorted(peer.namespaceLabels), sorted(peer.podLabels)]);
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, i);
    else checks.problem(`ingressPeers[${i}] is ingressPeers[${earlier}] again; remove one of the two`);
  }
}

function checkAllowlist(checks: Checks, allowlist: readonly AllowedRangeSettings[]): void {
  for (const [i, { cidr: range, ports }] of allowlist.entries()) {
    const field = `allowlist[${i}]`;
    checks.plain(`${field}.cidr`, range, listedRange);
    if (ports.length === 0)
      checks.problem(`${field}.ports is empty, so that ${range} would be reachable at no port; name one`);
    for (const [j, { port: first, endPort, protocol }] of ports.entries()) {
      checks.plain(`${field}.ports[${j}].port`, first, port);
      if (port(first) === undefined)
        checks.plain(`${field}.ports[${j}].endPort`, endPort, integerBetween(first, 65535, "a port"));
      checks.plain(`${field}.ports[${j}].protocol`, protocol, oneOf(EgressProtocol));
    }
  }
  for (const sentence of repeatedRanges(allowlist)) checks.problem(sentence);
}

/** A whole family of addresses as a peer would be no wall. */
const peerRange: Rule<string> = (value) => {
  const range = parseCidr(value);
  return range?.prefix === 0
    ? "less than the whole internet: name the addresses that may call sandboxes"
    : cidr(value);
};

/** Shutting a whole family off from profile `open` would make it something else. */
const clusterRange: Rule<string> = (value) => {
  const range = parseCidr(value);
  return range?.prefix === 0 ? "less than the whole internet: for that, use profile blocked" : cidr(value);
};

/** A list with everything on it is none. */
const listedRange: Rule<string> = (value) => {
  const range = parseCidr(value);
  return range?.prefix === 0 ? "less than the whole internet: for that, use profile open" : cidr(value);
};

/** One address, and not one where credentials are handed out. */
const dnsAddress: Rule<string> = (value) => {
  const address = parseAddress(value);
  if (address === undefined) return "one IPv4 or IPv6 address, such as 169.254.20.10";
  if (/^::ffff:/i.test(value)) return "written as IPv4: Kubernetes takes no IPv4-mapped IPv6";
  const metadata = metadataAddresses.find((each) => parseAddress(each.address)?.first === address.first);
  return metadata === undefined
    ? undefined
    : `the address of a DNS cache; this one is for ${metadata.purpose}`;
};
