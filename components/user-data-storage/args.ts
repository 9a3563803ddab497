// What the volume for users' data can be told.
import type * as pulumi from "@pulumi/pulumi";

import type { CsiVolume, NfsExport, VolumeAccessMode, VolumeNames } from "../shared/volume/args";

/** Where users' data is kept. */
export enum UserDataSource {
  /** A volume that a StorageClass makes. */
  StorageClass = "StorageClass",
  /** A folder of an NFS server. */
  Nfs = "Nfs",
  /** A volume of a CSI driver. */
  Csi = "Csi",
  /** A folder of the node: for one-node clusters. */
  HostPath = "HostPath",
  /** A claim that is already there. */
  ExistingClaim = "ExistingClaim",
}

/** Options of {@link UserDataStorage} beside where to put it. */
export interface UserDataStorageOptions {
  /**
   * Where the data is kept.
   * @default UserDataSource.StorageClass
   */
  source?: UserDataSource;
  /**
   * The class that makes the volume. Required with `UserDataSource.StorageClass`, not allowed otherwise.
   * @default - none
   */
  storageClass?: pulumi.Input<string>;
  /**
   * The folder of an NFS server, writable by user 1000. Required with `UserDataSource.Nfs`, not allowed otherwise.
   * @default - none
   */
  nfs?: NfsExport;
  /**
   * The volume of a CSI driver. Required with `UserDataSource.Csi`, not allowed otherwise.
   * @default - none
   */
  csi?: CsiVolume;
  /**
   * The folder on the node, absolute, existing and writable by user 1000. Required with `UserDataSource.HostPath`, not allowed
   * otherwise.
   * @default - none
   */
  hostPath?: pulumi.Input<string>;
  /**
   * The claim's name. Required with `UserDataSource.ExistingClaim`, not allowed otherwise.
   * @default - none
   */
  existingClaim?: pulumi.Input<string>;
  /**
   * How much the claim asks for, a Kubernetes quantity.
   * @default "10Gi"
   */
  size?: string;
  /**
   * From where the volume is mounted: `ReadWriteOnce` keeps all its pods on one node. A StorageClass's claim that is there keeps its own,
   * as another one would be empty.
   * @default VolumeAccessMode.ReadWriteMany
   */
  accessMode?: VolumeAccessMode;
  /**
   * The folder of the volume that a sandbox sees at `/mnt/user-data`, such as `users/alice`: it sees nothing beside or above.
   * @default "shared"
   */
  subPath?: string;
  /**
   * Whether volume and claim, and so the data, stay in the cluster when they are removed from the stack.
   * @default true
   */
  retain?: boolean;
  /** Names of one's own for volume and claim. See the fields for their defaults. */
  names?: VolumeNames;
}

/** Arguments of {@link UserDataStorage}. */
export interface UserDataStorageArgs extends UserDataStorageOptions {
  /** The namespace of the claim. */
  namespace: pulumi.Input<string>;
}
