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
}

/** Options of {@link SandboxNetworkPolicies} beside where to put them. */
export interface SandboxNetworkOptions {
  /**
   * Who may call sandboxes, beside the pods of the same namespace that carry `sandlot.dev/sandbox-client=true`.
   * @default []
   */
  ingressPeers?: IngressPeer[];
  /**
   * Public ranges that the cluster uses for itself (nodes, pods, services) and that profile `open` must not reach. The
   * private ranges are shut in any case.
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
