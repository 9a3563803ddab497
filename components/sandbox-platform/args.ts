// What the whole platform in a cluster can be told: the options of its parts.
import type * as pulumi from "@pulumi/pulumi";

import type { EgressProxyOptions } from "../egress-proxy/args";
import type { GvisorRuntimeOptions } from "../gvisor-runtime/args";
import type { ImageScanOptions } from "../image-scan/args";
import type { ObservabilityOptions } from "../observability/args";
import type { ProvisionerOptions } from "../provisioner/args";
import type { SandboxDeploymentOptions } from "../sandbox-deployment/args";
import type { EnvironmentNode, SandboxEnvironmentOptions } from "../sandbox-environment/args";
import type { SandboxNamespaceArgs } from "../sandbox-namespace/args";
import type { SandboxNetworkOptions } from "../sandbox-network-policies/args";
import type { SandboxRbacOptions } from "../sandbox-rbac/args";
import type { SkillsStorageOptions } from "../skills-storage/args";
import type { UserDataRetentionOptions } from "../user-data-retention/args";
import type { UserDataStorageOptions } from "../user-data-storage/args";

/** Whether and how long it is tried whether the handler is gVisor. */
export interface GvisorCheckOptions {
  /**
   * Whether it is tried. Without it, a handler that is not gVisor is not noticed.
   * @default true
   */
  enabled?: boolean;
  /**
   * Seconds after which the pod must have ended, 10 to 3600.
   * @default 300
   */
  timeoutSeconds?: number;
}

/** Arguments of {@link SandboxPlatform}. */
export interface SandboxPlatformArgs {
  /** The sandbox image, with a tag or digest; `latest` is refused. */
  image: pulumi.Input<string>;
  /**
   * How every image is scanned before a pod of it is made: the sandboxes', the provisioner's, those of environments, and of gVisor's
   * installer.
   * @default - none is
   */
  imageScan?: ImageScanOptions;
  /** The namespace, its quota and limits. */
  namespace?: SandboxNamespaceArgs;
  /** Who may call sandboxes, and what of the network is the cluster's own. */
  network?: SandboxNetworkOptions;
  /** The sandboxes' service account. */
  rbac?: SandboxRbacOptions;
  /**
   * Where skills come from.
   * @default - no skills
   */
  skills?: SkillsStorageOptions;
  /**
   * Where users' data is kept.
   * @default - with the sandbox: what is written is gone when it is
   */
  userData?: UserDataStorageOptions;
  /**
   * When users' data is removed that no sandbox of the provisioner has used; only with `userData` and `provisioner`.
   * @default - never
   */
  userDataRetention?: UserDataRetentionOptions;
  /**
   * Whether sandboxes run in gVisor.
   * @default true
   */
  gvisor?: boolean;
  /** The RuntimeClass for gVisor, and gVisor on nodes; not allowed with `gvisor: false`. */
  runtime?: GvisorRuntimeOptions;
  /** The pod that is run in gVisor before sandboxes are deployed; not allowed with `gvisor: false`. */
  gvisorCheck?: GvisorCheckOptions;
  /** The shared, always-on sandbox. */
  deployment?: SandboxDeploymentOptions;
  /**
   * How sandboxes are watched.
   * @default - they serve no metrics
   */
  observability?: ObservabilityOptions;
  /**
   * The service that hands sandboxes out. Unless `environments` has its default environment, that is made: of the sandbox image,
   * with a pool of `defaultPoolSize`.
   * @default - none
   */
  provisioner?: ProvisionerOptions;
  /**
   * The proxy that keeps the network rules of single sandboxes; only with `provisioner`, from whose image it comes.
   * @default - none: sandboxes that the provisioner makes have the rules of their profile and no others
   */
  egressProxy?: EgressProxyOptions;
  /**
   * How many idle, ready sandboxes the provisioner keeps of its default environment, 0 to 500; only with `provisioner`, and not
   * where `environments` has that environment.
   * @default 0
   */
  defaultPoolSize?: number;
  /**
   * The named environments that sessions start from.
   * @default []
   */
  environments?: SandboxEnvironmentOptions[];
  /**
   * The development nodes that built images of environments are loaded into.
   * @default - none: built images are pushed to registries
   */
  node?: EnvironmentNode;
}
