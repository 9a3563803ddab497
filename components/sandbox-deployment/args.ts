// What the shared, always-on sandbox can be told: arguments and their defaults. What is wrong with given ones: ./validate.ts.
import type * as pulumi from "@pulumi/pulumi";

import type { EgressProfile } from "../sandbox-network-policies/profiles";
import type { SandboxAutoscaling } from "./autoscaling";
import type { SandboxVariable } from "./environment";
import type { SandboxPlacement } from "./placement";
import type { SandboxRollout, SandboxShutdown } from "./rollout";
import type { SandboxVolume } from "./volumes";

/** When a sandbox image is fetched to a node. */
export enum SandboxPullPolicy {
  Always = "Always",
  IfNotPresent = "IfNotPresent",
  Never = "Never",
}

/** How the sandboxes' Service is reached. */
export enum SandboxServiceType {
  /** From inside the cluster. */
  ClusterIp = "ClusterIP",
  /** From outside as well, by a port of every node. */
  NodePort = "NodePort",
}

/** An environment variable of a sandbox, in clear. Values are readable by whoever may read pods: never put a secret here. */
export interface EnvironmentVariable {
  /** Letters, digits and `_`, not starting with a digit. */
  name: string;
  /** The value. */
  value: pulumi.Input<string>;
}

/** How often and how patiently a probe asks; seconds unless said otherwise. */
export interface ProbeTiming {
  /** Seconds before the first question, 0 to 3600. */
  initialDelaySeconds?: number;
  /** Seconds between questions, 1 to 3600. */
  periodSeconds?: number;
  /** Seconds after which a question has failed, 1 to 3600. */
  timeoutSeconds?: number;
  /** Failures in a row that count, 1 to 3600. */
  failureThreshold?: number;
}

/** The startup probe. */
export interface StartupProbe extends ProbeTiming {
  /**
   * Whether there is one. The kubelet asks whether a container has started once a second, and whether it is ready only when it has
   * looked at its containers once more, a second later. Without this probe pods are Ready sooner by that, and the liveness probe
   * waits as long as this one would have.
   * @default true
   */
  enabled?: boolean;
}

/** The three probes. */
export interface SandboxProbes {
  /**
   * The path that is asked.
   * @default "/v1/sandbox"
   */
  path?: string;
  /**
   * Until it succeeds the other two wait.
   * @default { enabled: true, initialDelaySeconds: 0, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 120 }
   */
  startup?: StartupProbe;
  /**
   * While it fails the pod gets no traffic.
   * @default { initialDelaySeconds: 0, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 }
   */
  readiness?: ProbeTiming;
  /**
   * When it fails the container is restarted. Without a startup probe, its first question waits as long as that would have.
   * @default { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3 }
   */
  liveness?: ProbeTiming;
}

/** CPU, memory and disk, as Kubernetes quantities. */
export interface ComputeAmounts {
  /** CPU, such as `100m`. */
  cpu?: string;
  /** Memory, such as `256Mi`. */
  memory?: string;
  /** Ephemeral storage: emptyDirs and logs (the root file system is read-only). */
  ephemeralStorage?: string;
}

/** What a sandbox is promised and what it can use at most. */
export interface SandboxResources {
  /**
   * What the scheduler sets aside.
   * @default { cpu: "100m", memory: "128Mi", ephemeralStorage: "256Mi" }
   */
  requests?: ComputeAmounts;
  /**
   * The most it can use; each is at least the request.
   * @default { cpu: "1", memory: "1Gi", ephemeralStorage: "1Gi" }
   */
  limits?: ComputeAmounts;
}

/** Sizes of the places a sandbox can write to, as Kubernetes quantities; what is over is evicted. */
export interface SandboxWritable {
  /**
   * `/home/sandbox`.
   * @default "256Mi"
   */
  home?: string;
  /**
   * `/tmp`.
   * @default "256Mi"
   */
  tmp?: string;
  /**
   * `/mnt/user-data`.
   * @default "512Mi"
   */
  userData?: string;
}

/** Which sandboxes a node's port leads to. */
export enum ExternalTrafficPolicy {
  /** Those on that node: the caller's address stays what it is, and a node without a sandbox does not answer. */
  Local = "Local",
  /** All: a sandbox on another node sees the first node's address in place of the caller's. */
  Cluster = "Cluster",
}

/** How the sandboxes' Service is offered. */
export interface SandboxServiceOptions {
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
   * Which sandboxes a node's port leads to; only with `SandboxServiceType.NodePort`.
   * @default ExternalTrafficPolicy.Local
   */
  externalTrafficPolicy?: ExternalTrafficPolicy;
  /**
   * How long calls of one client go to the same pod, in seconds, 1 to 86400; sessions live in a pod. 0 turns it off.
   * @default 10800
   */
  clientAffinitySeconds?: number;
}

/** How many pods may be taken away at once by drains and evictions. Give exactly one of the two. */
export interface SandboxDisruption {
  /**
   * How many pods always stay, a number or a percentage such as `50%`.
   * @default "1" if there are two replicas or more and maxUnavailable is not given
   */
  minAvailable?: string;
  /**
   * How many pods may be missing, a number or a percentage such as `50%`.
   * @default - none
   */
  maxUnavailable?: string;
}

/** Options of {@link SandboxDeployment} beside where to put it and what it stands on. */
export interface SandboxDeploymentOptions {
  /**
   * When the image is fetched to a node.
   * @default SandboxPullPolicy.IfNotPresent
   */
  imagePullPolicy?: SandboxPullPolicy;
  /**
   * Names of Secrets of the namespace with registry credentials.
   * @default []
   */
  imagePullSecrets?: string[];
  /**
   * The name of Deployment, Service and PodDisruptionBudget.
   * @default "sandbox"
   */
  name?: string;
  /**
   * Whether the image must be named by its digest, so that what runs is what was tried.
   * @default false
   */
  requireDigest?: boolean;
  /**
   * How many pods, 0 to 1000; not with `autoscaling`.
   * @default 2
   */
  replicas?: number;
  /**
   * As many pods as are needed, instead of `replicas`.
   * @default - always `replicas`
   */
  autoscaling?: SandboxAutoscaling;
  /** How an update goes through the pods. See the fields for their defaults. */
  rollout?: SandboxRollout;
  /**
   * How many old ReplicaSets are kept for `kubectl rollout undo`, 0 to 100.
   * @default 3
   */
  revisionHistoryLimit?: number;
  /**
   * The egress profile of the pods.
   * @default EgressProfile.Blocked
   */
  egress?: EgressProfile;
  /** What a sandbox is promised and can use. See the fields for their defaults. */
  resources?: SandboxResources;
  /** Where and how much a sandbox can write. See the fields for their defaults. */
  writable?: SandboxWritable;
  /**
   * More environment variables.
   * @default []
   */
  env?: SandboxVariable[];
  /**
   * More volumes.
   * @default []
   */
  volumes?: SandboxVolume[];
  /** The probes' path and timing. See the fields for their defaults. */
  probes?: SandboxProbes;
  /** How the Service is offered. See the fields for their defaults. */
  service?: SandboxServiceOptions;
  /** How many pods may be taken away at once. See the fields for their defaults. */
  disruption?: SandboxDisruption;
  /**
   * Seconds between the request to stop and the kill, 0 to 3600.
   * @default 30
   */
  terminationGracePeriodSeconds?: number;
  /** How a pod ends. See the fields for their defaults. */
  shutdown?: SandboxShutdown;
  /** Where pods run. See the fields for their defaults. */
  placement?: SandboxPlacement;
  /**
   * Whether pods are spread over nodes and zones where there are several; never keeps a pod from running.
   * @default true
   */
  spread?: boolean;
}

/** Arguments of {@link SandboxDeployment}. */
export interface SandboxDeploymentArgs extends SandboxDeploymentOptions {
  /** The namespace of everything. */
  namespace: pulumi.Input<string>;
  /** The sandbox image, with a tag or digest; `latest` is refused. */
  image: pulumi.Input<string>;
  /** The service account of the pods. */
  serviceAccountName: pulumi.Input<string>;
  /**
   * The RuntimeClass of the pods.
   * @default - the nodes' default runtime
   */
  runtimeClassName?: pulumi.Input<string>;
  /**
   * The PriorityClass of the pods.
   * @default - the cluster's default
   */
  priorityClassName?: pulumi.Input<string>;
  /**
   * The claim that is mounted read-only at `/mnt/skills`.
   * @default - no skills
   */
  skillsClaimName?: pulumi.Input<string>;
  /**
   * The claim that is mounted, writable, at `/mnt/user-data`.
   * @default - an empty folder that goes with its pod
   */
  userDataClaimName?: pulumi.Input<string>;
  /**
   * The folder of that claim that is seen, a relative path.
   * @default - all of it
   */
  userDataSubPath?: pulumi.Input<string>;
}
