// What the whole platform in a cluster can be told: the options of its parts.
import type * as pulumi from "@pulumi/pulumi";

import type { GvisorRuntimeArgs } from "../gvisor-runtime/args";
import type { SandboxDeploymentOptions } from "../sandbox-deployment/args";
import type { SandboxNamespaceArgs } from "../sandbox-namespace/args";
import type { SandboxNetworkOptions } from "../sandbox-network-policies/args";
import type { SandboxRbacOptions } from "../sandbox-rbac/args";
import type { SkillsStorageOptions } from "../skills-storage/args";

/** Arguments of {@link SandboxPlatform}. */
export interface SandboxPlatformArgs {
  /** The sandbox image, with a tag or digest; `latest` is refused. */
  image: pulumi.Input<string>;
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
   * Whether sandboxes run in gVisor.
   * @default true
   */
  gvisor?: boolean;
  /** The RuntimeClass for gVisor; not allowed with `gvisor: false`. */
  runtime?: GvisorRuntimeArgs;
  /** The shared, always-on sandbox. */
  deployment?: SandboxDeploymentOptions;
}
