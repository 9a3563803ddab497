// What claims can stand on, in the words of arguments: what skills and user data have in common.
import type * as pulumi from "@pulumi/pulumi";

/** From how many places a volume is mounted at once. */
export enum VolumeAccessMode {
  /** By pods of one node. */
  ReadWriteOnce = "ReadWriteOnce",
  /** By pods of all nodes. */
  ReadWriteMany = "ReadWriteMany",
  /** By pods of all nodes, none of which can write. */
  ReadOnlyMany = "ReadOnlyMany",
}

/** A folder that an NFS server exports. */
export interface NfsExport {
  /** The server's host name or address. */
  server: pulumi.Input<string>;
  /** The exported folder, absolute. */
  path: pulumi.Input<string>;
  /**
   * How nodes mount it.
   * @default ["nosuid", "nodev"]
   */
  mountOptions?: string[];
}

/** A volume that exists with the provider of a CSI driver. */
export interface CsiVolume {
  /** The driver's name, such as `efs.csi.aws.com`. */
  driver: string;
  /** What the driver calls the volume. */
  volumeHandle: pulumi.Input<string>;
  /**
   * The volume's file system.
   * @default - the driver's own choice
   */
  fsType?: string;
  /**
   * What else the driver is told.
   * @default {}
   */
  attributes?: { [name: string]: string };
}

/** Names of one's own for the objects, such as those of objects that were there before. */
export interface VolumeNames {
  /**
   * The claim's name. With a name of one's own, what the claim stands on cannot be changed while pods use it.
   * @default - made from what the claim stands on, so that a change is a new claim
   */
  claim?: string;
  /**
   * The volume's name; not with a StorageClass, which names its volumes itself.
   * @default - the namespace's and the claim's name
   */
  volume?: string;
  /**
   * The class by which volume and claim find each other; not with a StorageClass.
   * @default - one that no other volume has
   */
  storageClass?: string;
}
