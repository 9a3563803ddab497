// What the skills volume can be told: arguments, their defaults, and what is wrong with given ones.
import type * as pulumi from "@pulumi/pulumi";

import type { CsiVolume, NfsExport, VolumeAccessMode, VolumeNames } from "../shared/volume/args";

/** Where skills come from. */
export enum SkillsSource {
  /** A folder of the node: for one-node clusters. */
  HostPath = "HostPath",
  /** A folder of an NFS server. */
  Nfs = "Nfs",
  /** A volume of a CSI driver. */
  Csi = "Csi",
  /** A volume that a StorageClass makes. It is empty until somebody fills it; sandboxes cannot. */
  StorageClass = "StorageClass",
  /** A claim that is already there. */
  ExistingClaim = "ExistingClaim",
}

/** Options of {@link SkillsStorage} beside where to put it. Whatever the source, sandboxes mount it read-only. */
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
   * The folder of an NFS server. Required with `SkillsSource.Nfs`, not allowed otherwise.
   * @default - none
   */
  nfs?: NfsExport;
  /**
   * The volume of a CSI driver. Required with `SkillsSource.Csi`, not allowed otherwise.
   * @default - none
   */
  csi?: CsiVolume;
  /**
   * The class that makes the volume. Required with `SkillsSource.StorageClass`, not allowed otherwise.
   * @default - none
   */
  storageClass?: pulumi.Input<string>;
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
   * From where the volume of a StorageClass is mounted; only with `SkillsSource.StorageClass`. A claim that is there keeps its own, as
   * another one would be empty.
   * @default VolumeAccessMode.ReadWriteMany, because somebody else has to fill it
   */
  accessMode?: VolumeAccessMode;
  /**
   * Whether volume and claim stay in the cluster when they are removed from the stack.
   * @default false
   */
  retain?: boolean;
  /** Names of one's own for volume and claim. See the fields for their defaults. */
  names?: VolumeNames;
}

/** Arguments of {@link SkillsStorage}. */
export interface SkillsStorageArgs extends SkillsStorageOptions {
  /** The namespace of the claim. */
  namespace: pulumi.Input<string>;
}
