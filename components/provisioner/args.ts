// What the provisioner can be told: arguments and their defaults. What is wrong with given ones: ./resolve.ts.
import type * as pulumi from "@pulumi/pulumi";

import type { MetricsScraper } from "../observability/args";
import type {
  ComputeAmounts,
  ExternalTrafficPolicy,
  SandboxPullPolicy,
  SandboxResources,
  SandboxServiceType,
} from "../sandbox-deployment/args";
import type { DnsPeer, IngressPeer } from "../sandbox-network-policies/args";
import type { TracingOptions } from "./tracing";

/** What the URL of a sandbox is. */
export enum SandboxUrls {
  /** The provisioner's own, which passes calls on to the sandbox: no Service for each sandbox, and a token opens it. */
  Router = "Router",
  /** The sandbox's own inside the cluster: a Service for each sandbox. Network policies alone decide who reaches it. */
  ClusterIp = "ClusterIP",
  /** A port of the sandbox's node: a Service for each sandbox. Network policies alone decide who reaches it. */
  NodePort = "NodePort",
}

/** An API key, known by its hash alone. */
export interface ProvisionerKey {
  /** What the key is for, such as `backend-2026`. */
  name: string;
  /** The SHA-256 of the key, in hexadecimal digits. The key itself must be long and random: `openssl rand -hex 32`. */
  sha256: string;
}

/** What a tenant's sandboxes may take together. */
export interface TenantQuota {
  /** How many sandboxes, 0 to 100000. */
  sandboxes?: number;
  /** The sum of their CPU limits. */
  cpu?: string;
  /** The sum of their memory limits. */
  memory?: string;
}

/** How often somebody may call. Each replica counts the calls that it gets. */
export interface RequestRate {
  /** How many calls, 1 to 1000000. */
  requests: number;
  /** Within how many seconds, 1 to 3600. */
  seconds: number;
}

/** Somebody who calls the provisioner and sees nobody else's sandboxes. */
export interface ProvisionerTenant {
  /** The tenant's name. */
  name: string;
  /** Its keys, at least one; two make a rotation without a gap. */
  keys: ProvisionerKey[];
  /**
   * The environments that it may use.
   * @default - all
   */
  environments?: string[];
  /**
   * What its sandboxes may take together.
   * @default - no limit but that of the namespace
   */
  quota?: TenantQuota;
  /**
   * The most that one of its sandboxes may have, asked for or by its environment.
   * @default - what the environment allows
   */
  maxResources?: ComputeAmounts;
  /**
   * The RuntimeClasses that its sandboxes may run in, those of their environments among them.
   * @default - what the environment allows
   */
  runtimes?: string[];
  /**
   * How often it may call.
   * @default - `rateLimit` of the provisioner
   */
  rateLimit?: RequestRate;
}

/** How long things may take or last, in seconds. */
export interface ProvisionerTimeouts {
  /** How long a create waits for the sandbox to answer, 1 to 120. @default 20 */
  readySeconds?: number;
  /** The life of a sandbox that asks for none, 1 to 604800. @default 3600 */
  softSeconds?: number;
  /** The longest life of any sandbox, 60 to 604800. @default 86400 */
  hardSeconds?: number;
  /** How long a sandbox of DeerFlow's API lives after it was last named or used, 60 to 604800. @default 14400 */
  deerflowIdleSeconds?: number;
  /** When a pod that never answered is given up, 10 to 3600. @default 300 */
  startSeconds?: number;
  /** How long a failed sandbox stays to be seen, 0 to 86400. @default 600 */
  failedSeconds?: number;
  /** When an idle pod is replaced, 60 to 604800. @default 3600 */
  poolMaxAgeSeconds?: number;
  /**
   * For how long what was last seen of a cluster that cannot be watched is taken for true, 1 to 3600. After that its sandboxes are not
   * reached any more, as their addresses may be others'. @default 300, with several clusters 30
   */
  clusterLostSeconds?: number;
}

/** How the provisioner's Service is offered. */
export interface ProvisionerServiceOptions {
  /**
   * How the Service is reached.
   * @default SandboxServiceType.ClusterIp
   */
  type?: SandboxServiceType;
  /**
   * The port of every node, 30000 to 32767; only with `SandboxServiceType.NodePort`.
   * @default - chosen by the cluster
   */
  nodePort?: number;
  /**
   * Which provisioners a node's port leads to; only with `SandboxServiceType.NodePort`.
   * @default ExternalTrafficPolicy.Local
   */
  externalTrafficPolicy?: ExternalTrafficPolicy;
}

/** Where the API server is, as pods reach it. */
export interface ApiServerPeer {
  /**
   * Its addresses. NetworkPolicies cannot name it, and in most clusters it is no pod.
   * @default ["0.0.0.0/0", "::/0"]
   */
  cidrs?: string[];
  /**
   * Its ports: before and after the cluster's own translation, as network plug-ins look at one or the other.
   * @default [443, 6443]
   */
  ports?: number[];
}

/** Where other clusters are, as the provisioner's pods reach them. */
export interface ClustersPeer {
  /**
   * Addresses of their API servers.
   * @default ["0.0.0.0/0", "::/0"]
   */
  apiServerCidrs?: string[];
  /**
   * Ports of their API servers.
   * @default [443, 6443]
   */
  apiServerPorts?: number[];
  /** Addresses of their pods: sandboxes are reached there, so networks must be flat. */
  sandboxCidrs: string[];
}

/** Options of {@link Provisioner} beside where to put it. */
export interface ProvisionerOptions {
  /** The provisioner's image, with a tag or digest; `latest` is refused. */
  image: pulumi.Input<string>;
  /**
   * When the image is fetched to a node.
   * @default SandboxPullPolicy.IfNotPresent
   */
  imagePullPolicy?: SandboxPullPolicy;
  /**
   * Names of Secrets of the provisioner's namespace with registry credentials.
   * @default []
   */
  imagePullSecrets?: string[];
  /**
   * How many pods, 1 to 20. One of them fills pools and reaps; all serve.
   * @default 2
   */
  replicas?: number;
  /**
   * What the URL of a sandbox is.
   * @default SandboxUrls.Router
   */
  sandboxUrls?: SandboxUrls;
  /**
   * The name or address at which clients reach the one node that there is: the host of URLs with `SandboxUrls.NodePort`.
   * @default - the address of the sandbox's node, which alone answers
   */
  nodeHost?: string;
  /**
   * Where clients reach the provisioner, such as `https://sandboxes.example.com`: what sandboxes' URLs begin with.
   * @default - the Service's URL inside the cluster
   */
  url?: string;
  /**
   * The domain below which each port of a sandbox has a host of its own, such as `sandboxes.example.com`:
   * `{port}-{id}.sandboxes.example.com`, with the scheme and port of `url`. Browsers keep what is of different hosts apart, so
   * applications with logins work there. All names below it must lead to the provisioner, and nothing else may be there.
   * @default - none: ports are reached by paths
   */
  hostSuffix?: string;
  /** How the Service is offered. See the fields for their defaults. */
  service?: ProvisionerServiceOptions;
  /**
   * The API key of the tenant `default`, who has no quota; a secret.
   * @default - none
   */
  apiKey?: pulumi.Input<string>;
  /**
   * What sandboxes' tokens are made from, at least 64 hexadecimal digits (`openssl rand -hex 32`); a secret. Another one makes
   * every token and every idle pod useless, unless the one before stays for a while on a second line (docs/api.md).
   * @default - none: `generateKeys` or `existingSecret` is needed
   */
  signingKey?: pulumi.Input<string>;
  /**
   * Whether an API key and a signing key that are not given are made at random, on the machine that runs the program. They stay
   * in the stack's state, encrypted.
   * @default false
   */
  generateKeys?: boolean;
  /**
   * Who else may call.
   * @default []
   */
  tenants?: ProvisionerTenant[];
  /**
   * How often each tenant may call that has no limit of its own, the tenant `default` among them.
   * @default { requests: 1000, seconds: 10 }
   */
  rateLimit?: RequestRate;
  /**
   * A Secret of the provisioner's namespace that somebody else makes, with the entries `api-keys.json` and `signing.key`, instead
   * of all keys above.
   * @default - a Secret is made of the keys above
   */
  existingSecret?: string;
  /**
   * A Secret of the provisioner's namespace that somebody else makes, with the entry `clusters.json`, which names the clusters
   * that sandboxes are made in, and their kubeconfigs. Needs `clustersNetwork`, and router URLs.
   * @default - sandboxes are made in the cluster of the provisioner
   */
  clustersSecret?: string;
  /**
   * Where the clusters of `clustersSecret` are.
   * @default - with `clustersSecret` it is needed
   */
  clustersNetwork?: ClustersPeer;
  /**
   * The environment of those who name none, such as DeerFlow.
   * @default "default"
   */
  defaultEnvironment?: string;
  /**
   * The most sandboxes there are at once, idle ones among them, 1 to 100000.
   * @default 500
   */
  maxSandboxes?: number;
  /**
   * The most pods of one pool that start at once, for each node that has sandboxes or idle pods, 1 to 100; half as many within two
   * seconds of a claim. More fill a pool sooner, and make claims slower until it is full.
   * @default 8
   */
  poolMaxStarting?: number;
  /**
   * Where DeerFlow's gateway says that its state is, as its own `DEER_FLOW_HOST_BASE_DIR` does (`/app/backend/.deer-flow` in its Helm
   * chart), if the claim of users' data holds that state, in its folder `deer-flow`. Sandboxes get their extra mounts from there, and
   * views of skills where there is no claim of skills.
   * @default - no claim holds it: sandboxes do without the gateway's extra mounts, and the log says so
   */
  deerflowBaseDir?: string;
  /** How long things may take or last. See the fields for their defaults. */
  timeouts?: ProvisionerTimeouts;
  /**
   * How much is logged: `fatal`, `error`, `warn`, `info`, `debug` or `trace`.
   * @default "info"
   */
  logLevel?: string;
  /**
   * Seconds after which a pod of the provisioner that is to end is killed, 15 to 3600. Requests and WebSockets through it go on until
   * ten seconds before; a pod with nothing under way ends at once. The default is longer than DeerFlow's client waits for a command.
   * @default 630
   */
  terminationGracePeriodSeconds?: number;
  /**
   * What a pod of the provisioner is promised and can use.
   * @default { requests: { cpu: "50m", memory: "128Mi", ephemeralStorage: "32Mi" }, limits: { cpu: "1", memory: "512Mi", ephemeralStorage: "64Mi" } }
   */
  resources?: SandboxResources;
  /** Where the API server is. See the fields for their defaults. */
  apiServer?: ApiServerPeer;
  /**
   * Where its traces go.
   * @default - it makes none
   */
  tracing?: TracingOptions;
}

/** Whose pods may read the provisioner's metrics, and how they find them. */
export interface ProvisionerMetrics {
  /** Whether there is a ServiceMonitor; if not, the Service carries the `prometheus.io` annotations. */
  prometheusOperator: boolean;
  /** Labels by which a Prometheus finds the ServiceMonitor. */
  operatorLabels: { [name: string]: string };
  /** Whose pods may read the metrics. */
  scraper: Required<MetricsScraper>;
  /** Seconds between scrapes. */
  scrapeIntervalSeconds: number;
}

/** Arguments of {@link Provisioner}. */
export interface ProvisionerArgs extends ProvisionerOptions {
  /** The namespace of the sandboxes, which is there already. The provisioner's own is called `<namespace>-system`. */
  namespace: pulumi.Input<string>;
  /** The service account of sandboxes. */
  sandboxServiceAccountName: pulumi.Input<string>;
  /**
   * The version of the restricted Pod Security profile that the provisioner's namespace enforces.
   * @default "v1.34"
   */
  podSecurityVersion?: string;
  /**
   * Whether the deletion of the provisioner's namespace is refused.
   * @default false
   */
  protect?: boolean;
  /**
   * Who may call the provisioner, beside client pods (`sandlot.dev/sandbox-client=true`) of the sandboxes' namespace. Peers
   * without `namespaceLabels` are of that namespace too.
   * @default []
   */
  clients?: IngressPeer[];
  /** Where the cluster's DNS is. See the fields for their defaults. */
  dns?: DnsPeer;
  /**
   * The claim that sandboxes of DeerFlow's API, and those of `/v1` that ask for it, see, read-only, at `/mnt/skills`. They start cold
   * then: a pool's pods have none.
   * @default - no skills
   */
  skillsClaimName?: pulumi.Input<string>;
  /**
   * The claim in which sandboxes of DeerFlow's API, and those of `/v1` that ask for it, have a folder for each user and thread, at
   * `/mnt/user-data`.
   * @default - an empty folder that goes with its pod
   */
  userDataClaimName?: pulumi.Input<string>;
  /**
   * Where sandboxes of profile `allowlist` find the egress proxy, which keeps the network rules that they are created with.
   * @default - there is none: network rules are refused
   */
  egressProxyUrl?: pulumi.Input<string>;
  /**
   * How the metrics are read.
   * @default - by nobody
   */
  metrics?: ProvisionerMetrics;
}
