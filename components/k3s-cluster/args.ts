// What a cluster in containers can be told: arguments, their defaults, and what is wrong with given ones.
import type * as pulumi from "@pulumi/pulumi";

import { over } from "../shared/defaults";

/** When the node image is fetched. */
export enum ImagePullPolicy {
  /** Fetched whenever the cluster is made or its image reference changes, even if there is a copy. */
  Always = "Always",
  /** Fetched only if there is no copy. */
  IfNotPresent = "IfNotPresent",
  /** Never fetched; it is an error if there is no copy. */
  Never = "Never",
}

/** The protocol of a published port. */
export enum PortProtocol {
  Tcp = "tcp",
  Udp = "udp",
}

/** A port of the node, such as a NodePort, that the host offers on {@link K3sClusterArgs.bindAddress}. */
export interface PublishedPort {
  /** Port on the host, 1 to 65535. */
  host: number;
  /** Port on the node, 1 to 65535. */
  node: number;
  /**
   * The transport protocol.
   * @default PortProtocol.Tcp
   */
  protocol?: PortProtocol;
}

/** A host folder or file that the node sees. */
export interface NodeMount {
  /** Absolute path on the host; it must exist. */
  source: string;
  /** Absolute path in the node. */
  target: string;
  /**
   * Whether the node may only read it.
   * @default true
   */
  readOnly?: boolean;
}

/** Where images of a registry are really fetched from (https://docs.k3s.io/installation/private-registry). */
export interface RegistryMirror {
  /** The registry as image references name it, such as `docker.io`, or `*` for all. */
  registry: string;
  /** URLs that are tried in turn, each `http://` or `https://`. */
  endpoints: string[];
}

/** Arguments of {@link K3sCluster}. */
export interface K3sClusterArgs {
  /** The stack's name: part of every Docker object's name, and the value of their label `sandlot.dev/stack`. */
  stack: string;
  /** Who owns the Docker objects: the value of their label `sandlot.dev/owner`, such as a checkout's state folder. */
  owner: string;
  /**
   * The name of the container, the volume, the network, the node and the kubeconfig's context; agents are named after it,
   * `<containerName>-agent-<n>`.
   * @default `sandlot-<stack>`
   */
  containerName?: string;
  /**
   * How many more nodes there are, each in a container of its own, 0 to 5. One that is no longer wanted is drained before it
   * goes.
   * @default 0
   */
  agents?: number;
  /**
   * The node image: `rancher/k3s` or one that keeps its contract.
   * @default "rancher/k3s:v1.34.6-k3s1"
   */
  image?: pulumi.Input<string>;
  /**
   * When the image is fetched.
   * @default ImagePullPolicy.IfNotPresent
   */
  imagePullPolicy?: ImagePullPolicy;
  /**
   * Host port of the Kubernetes API, 1 to 65535.
   * @default 6443
   */
  apiPort?: number;
  /**
   * Host address that the API and all ports are offered on.
   * @default "127.0.0.1"
   */
  bindAddress?: string;
  /**
   * More ports of the node to offer on the host.
   * @default []
   */
  ports?: PublishedPort[];
  /**
   * Environment variables of each node.
   * @default {}
   */
  environment?: { [name: string]: pulumi.Input<string> };
  /**
   * Each node's memory limit in MiB, at least 1024.
   * @default - no limit
   */
  memory?: number;
  /**
   * Each node's CPU limit in cores, such as 2 or 1.5.
   * @default - no limit
   */
  cpus?: number;
  /**
   * More names and addresses that the API's certificate is valid for.
   * @default []
   */
  tlsSans?: string[];
  /**
   * Where images are really fetched from.
   * @default []
   */
  registryMirrors?: RegistryMirror[];
  /**
   * Image archives (`docker save`) on the host that each node imports when it starts; absolute paths.
   * @default []
   */
  imageArchives?: string[];
  /**
   * Host folders that each node sees: skills, sources.
   * @default []
   */
  mounts?: NodeMount[];
  /**
   * How many processes and threads one pod may have, 64 to 1048576: the wall against fork bombs.
   * @default 1024
   */
  podPidsLimit?: number;
  /**
   * Parts of k3s that are left out.
   * @default ["traefik", "servicelb", "metrics-server"]
   */
  disable?: string[];
  /**
   * More arguments of `k3s server`. Those for the kubelet and kube-proxy are the agents' as well.
   * @default []
   */
  extraServerArgs?: string[];
  /**
   * Whether the volumes with the cluster's data are kept when the cluster is destroyed, and an agent's when it goes.
   * @default true
   */
  retainData?: boolean;
  /**
   * How long to wait for the API, for each node, and for the pods of an agent that goes, in seconds, 10 to 3600.
   * @default 300
   */
  readyTimeoutSeconds?: number;
  /**
   * What a Kubernetes provider is to know this cluster by; as long as it stays, a change of the kubeconfig never replaces
   * the objects in the cluster.
   * @default - the container's name
   */
  clusterIdentifier?: string;
}

/** {@link K3sClusterArgs} with every default filled in. */
export interface K3sClusterSettings {
  stack: string;
  owner: string;
  containerName: string;
  agents: number;
  image: pulumi.Input<string>;
  imagePullPolicy: ImagePullPolicy;
  apiPort: number;
  bindAddress: string;
  ports: PublishedPort[];
  environment: { [name: string]: pulumi.Input<string> };
  memory?: number;
  cpus?: number;
  tlsSans: string[];
  registryMirrors: RegistryMirror[];
  imageArchives: string[];
  mounts: NodeMount[];
  podPidsLimit: number;
  disable: string[];
  extraServerArgs: string[];
  retainData: boolean;
  readyTimeoutSeconds: number;
  clusterIdentifier: string;
}

/** Fills in the defaults. */
export function withDefaults(args: K3sClusterArgs): K3sClusterSettings {
  const containerName = args.containerName ?? `sandlot-${args.stack}`;
  const defaults: K3sClusterSettings = {
    stack: args.stack,
    owner: args.owner,
    containerName,
    agents: 0,
    image: "rancher/k3s:v1.34.6-k3s1",
    imagePullPolicy: ImagePullPolicy.IfNotPresent,
    apiPort: 6443,
    bindAddress: "127.0.0.1",
    ports: [],
    environment: {},
    tlsSans: [],
    registryMirrors: [],
    imageArchives: [],
    mounts: [],
    podPidsLimit: 1024,
    disable: ["traefik", "servicelb", "metrics-server"],
    extraServerArgs: [],
    retainData: true,
    readyTimeoutSeconds: 300,
    clusterIdentifier: containerName,
  };
  return over(defaults, args);
}
