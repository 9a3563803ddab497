// What the egress proxy can be told: arguments and their defaults. What is wrong with given ones: ./resolve.ts.
import type * as pulumi from "@pulumi/pulumi";

import type { ApiServerPeer, ProvisionerMetrics } from "../provisioner/args";
import type { SandboxPullPolicy, SandboxResources } from "../sandbox-deployment/args";
import type { DnsPeer } from "../sandbox-network-policies/args";

/** Options of {@link EgressProxy} beside where to put it. */
export interface EgressProxyOptions {
  /**
   * How many pods, 1 to 20.
   * @default 2
   */
  replicas?: number;
  /**
   * Private ranges that a rule of a sandbox opens if it names them, or addresses in them: `10.20.0.0/24`. Beside these, no private
   * address is opened. The proxy's own network policy lets it there as well. They must not hold what is the cluster's own (pods,
   * Services, nodes, the API server), as sandboxes would reach that.
   * @default []
   */
  privateCidrs?: string[];
  /**
   * Ranges that no rule of a sandbox opens, beside those that are shut to every sandbox: private ones that are not in
   * `privateCidrs`, link-local and reserved ones, and `clusterCidrs`.
   * @default []
   */
  deniedCidrs?: string[];
  /**
   * How much is logged: `fatal`, `error`, `warn`, `info`, `debug` or `trace`.
   * @default "info"
   */
  logLevel?: string;
  /**
   * What a pod of the proxy is promised and can use.
   * @default { requests: { cpu: "20m", memory: "96Mi", ephemeralStorage: "32Mi" }, limits: { cpu: "1", memory: "256Mi", ephemeralStorage: "64Mi" } }
   */
  resources?: SandboxResources;
}

/** Arguments of {@link EgressProxy}. */
export interface EgressProxyArgs extends EgressProxyOptions {
  /** The namespace of the sandboxes. */
  namespace: pulumi.Input<string>;
  /** The namespace of the provisioner, where the proxy is put: it denies everything that no policy opens. */
  systemNamespace: pulumi.Input<string>;
  /** The provisioner's image, which has the proxy in it. */
  image: pulumi.Input<string>;
  /**
   * When the image is fetched to a node.
   * @default SandboxPullPolicy.IfNotPresent
   */
  imagePullPolicy?: SandboxPullPolicy;
  /**
   * Names of Secrets of `systemNamespace` with registry credentials.
   * @default []
   */
  imagePullSecrets?: string[];
  /**
   * Public ranges that the cluster itself uses: as shut as private ones.
   * @default []
   */
  clusterCidrs?: pulumi.Input<string>[];
  /** Where the cluster's DNS is. See the fields for their defaults. */
  dns?: DnsPeer;
  /** Where the API server is. See the fields for their defaults. */
  apiServer?: ApiServerPeer;
  /**
   * How the metrics are read, as the provisioner's are.
   * @default - by nobody
   */
  metrics?: ProvisionerMetrics;
}
