// What the removal of users' stale data can be told.
import type * as pulumi from "@pulumi/pulumi";

import type { SandboxPullPolicy } from "../sandbox-deployment/args";
import type { SandboxToleration } from "../shared/tolerations";

/** Options of {@link UserDataRetention} beside where to put it. */
export interface UserDataRetentionOptions {
  /**
   * After how many days without a sandbox that uses it the data of a user's thread is removed, 8 to 3650. A sandbox lives at most
   * 7 days, so that what was last used longer ago is in no running one.
   */
  days: number;
  /**
   * When that is done, as five fields of cron, in UTC.
   * @default "17 3 * * *"
   */
  schedule?: string;
}

/** Arguments of {@link UserDataRetention}. */
export interface UserDataRetentionArgs extends UserDataRetentionOptions {
  /** The namespace of the claim. */
  namespace: pulumi.Input<string>;
  /** The claim in which the provisioner's sandboxes have a folder for each user and thread. */
  claimName: pulumi.Input<string>;
  /** The sandbox image, which has the program that does it: with a tag or digest. */
  image: pulumi.Input<string>;
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
   * The PriorityClass of the pod: that of its namespace, if it has one.
   * @default - the cluster's default
   */
  priorityClassName?: pulumi.Input<string>;
  /**
   * Labels that the pod's node must have.
   * @default {}
   */
  nodeSelector?: { [name: string]: string };
  /**
   * Taints that the pod puts up with.
   * @default []
   */
  tolerations?: SandboxToleration[];
}
