// What the skills volume can be told: arguments, their defaults, and what is wrong with given ones.
import type * as pulumi from "@pulumi/pulumi";

/** Where skills come from. */
export enum SkillsSource {
  /** A folder of the node: for one-node clusters. */
  HostPath = "HostPath",
  /** A claim that is already there. */
  ExistingClaim = "ExistingClaim",
}

/** Options of {@link SkillsStorage} beside where to put it. */
export interface SkillsStorageOptions {
  /**
   * Where skills come from.
   * @default SkillsSource.HostPath
   */
  source?: SkillsSource;
  /**
   * The folder on the node, absolute. It must exist: a pod that mounts it does not start otherwise. Required with
   * `SkillsSource.HostPath`, not allowed otherwise.
   * @default - none
   */
  hostPath?: pulumi.Input<string>;
  /**
   * The claim's name. Required with `SkillsSource.ExistingClaim`, not allowed otherwise.
   * @default - none
   */
  existingClaim?: pulumi.Input<string>;
  /**
   * The size that volume and claim state, a Kubernetes quantity. A folder of the node is not bounded by it.
   * @default "1Gi"
   */
  size?: string;
  /**
   * Whether volume and claim stay in the cluster when they are removed from the stack.
   * @default false
   */
  retain?: boolean;
}

/** Arguments of {@link SkillsStorage}. */
export interface SkillsStorageArgs extends SkillsStorageOptions {
  /** The namespace of the claim. */
  namespace: pulumi.Input<string>;
}
