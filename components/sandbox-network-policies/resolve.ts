// The network walls' settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks, type Rule } from "../shared/checks";
import { parseCidr } from "../shared/cidr";
import { over } from "../shared/defaults";
import { cidr, dnsLabel, port, selector } from "../shared/rules";
import type { DnsPeer, IngressPeer, SandboxNetworkPoliciesArgs } from "./args";

/** {@link SandboxNetworkPoliciesArgs} with every default filled in. */
export interface SandboxNetworkSettings {
  namespace: pulumi.Input<string>;
  ingressPeers: IngressPeer[];
  clusterCidrs: pulumi.Input<string>[];
  dns: Required<DnsPeer>;
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxNetworkPoliciesArgs): SandboxNetworkSettings {
  return {
    namespace: args.namespace,
    ingressPeers: args.ingressPeers ?? [],
    clusterCidrs: args.clusterCidrs ?? [],
    dns: over<Required<DnsPeer>>(
      {
        namespaceLabels: { "kubernetes.io/metadata.name": "kube-system" },
        podLabels: { "k8s-app": "kube-dns" },
        port: 53,
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
  const checks = new Checks("SandboxNetworkPolicies", name);
  const resolved: SandboxNetworkSettings = {
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
    ingressPeers: settings.ingressPeers.map((peer, i) => checkPeer(checks, `ingressPeers[${i}]`, peer)),
    clusterCidrs: settings.clusterCidrs.map((range, i) =>
      checks.input(`clusterCidrs[${i}]`, range, clusterRange),
    ),
    dns: settings.dns,
  };
  checks.plain("dns.namespaceLabels", settings.dns.namespaceLabels, selector);
  checks.plain("dns.podLabels", settings.dns.podLabels, selector);
  checks.plain("dns.port", settings.dns.port, port);
  checks.finish();
  return resolved;
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
