// What the network walls can be told: arguments, their defaults, and what is wrong with given ones.
import type * as pulumi from "@pulumi/pulumi";

/** Somebody who may open connections to sandboxes. Give either labels (one or both) or `cidr`. */
export interface IngressPeer {
  /**
   * Labels of the pods that may; without `namespaceLabels`, pods of the sandboxes' own namespace.
   * @default - every pod of the namespaces chosen by `namespaceLabels`
   */
  podLabels?: { [name: string]: string };
  /**
   * Labels of the namespaces whose pods may.
   * @default - the sandboxes' own namespace
   */
  namespaceLabels?: { [name: string]: string };
  /**
   * Addresses that may, such as `172.18.0.1/32`.
   * @default - none
   */
  cidr?: pulumi.Input<string>;
}

/** What a connection is made of. */
export enum EgressProtocol {
  Tcp = "TCP",
  Udp = "UDP",
}

/** A port, or all ports from one to another. */
export interface AllowedPort {
  /** The port, or the first one. */
  port: number;
  /**
   * The last port.
   * @default - the first one
   */
  endPort?: number;
  /**
   * What a connection is made of.
   * @default EgressProtocol.Tcp
   */
  protocol?: EgressProtocol;
}

/** Addresses that shared sandboxes of profile `allowlist` reach. */
export interface AllowedRange {
  /** The range, IPv4 or IPv6, such as `140.82.112.0/20` or `2606:50c0::/32`. For one address: `/32` or `/128`. */
  cidr: string;
  /**
   * At which ports.
   * @default [{ port: 443 }]
   */
  ports?: AllowedPort[];
  /**
   * Whether the range may lie in what is shut to sandboxes: private, link-local (cloud metadata), reserved and cluster ranges.
   * What is there is then open to all code in shared sandboxes of profile `allowlist`.
   * @default false
   */
  allowPrivate?: boolean;
}

/** Where the cluster's DNS is. */
export interface DnsPeer {
  /**
   * Labels of the DNS pods' namespace.
   * @default { "kubernetes.io/metadata.name": "kube-system" }
   */
  namespaceLabels?: { [name: string]: string };
  /**
   * Labels of the DNS pods.
   * @default { "k8s-app": "kube-dns" }
   */
  podLabels?: { [name: string]: string };
  /**
   * The DNS pods' port, over UDP and TCP.
   * @default 53
   */
  port?: number;
  /**
   * Addresses of DNS caches on the nodes (NodeLocal DNSCache), such as `169.254.20.10`. They belong to no pod that labels
   * could choose. Only their port 53 is opened.
   * @default []
   */
  nodeLocalAddresses?: string[];
}

/** Options of {@link SandboxNetworkPolicies} beside where to put them. */
export interface SandboxNetworkOptions {
  /**
   * Who may call sandboxes, beside the pods of the same namespace that carry `sandlot.dev/sandbox-client=true`.
   * @default []
   */
  ingressPeers?: IngressPeer[];
  /**
   * What shared sandboxes of profile `allowlist` reach beside the DNS. Those that the provisioner makes reach what their own
   * rules allow, through the egress proxy alone.
   * @default []
   */
  allowlist?: AllowedRange[];
  /**
   * Public ranges that the cluster uses for itself (nodes, pods, services) and that no profile reaches. The private ranges
   * are shut in any case.
   * @default []
   */
  clusterCidrs?: pulumi.Input<string>[];
  /** Where the cluster's DNS is. See the fields for their defaults. */
  dns?: DnsPeer;
}

/** Arguments of {@link SandboxNetworkPolicies}. */
export interface SandboxNetworkPoliciesArgs extends SandboxNetworkOptions {
  /** The namespace that the policies guard. */
  namespace: pulumi.Input<string>;
}
