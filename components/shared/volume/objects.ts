// A volume and its claim, built from plain values.
import type * as k8s from "@pulumi/kubernetes";
import { createHash } from "node:crypto";

import { commonLabels } from "../labels";
import { VolumeAccessMode, type VolumeNames } from "./args";

/** What a claim stands on. */
export type VolumeSource =
  | { readonly kind: "hostPath"; readonly path: string }
  | {
      readonly kind: "nfs";
      readonly server: string;
      readonly path: string;
      readonly mountOptions: readonly string[];
    }
  | {
      readonly kind: "csi";
      readonly driver: string;
      readonly volumeHandle: string;
      readonly fsType: string | undefined;
      readonly attributes: Readonly<Record<string, string>>;
    }
  | { readonly kind: "storageClass"; readonly storageClass: string };

/** A volume with a claim of its own. */
export interface ClaimedVolume {
  readonly namespace: string;
  /** What it is for: the beginning of its names, and its component label. */
  readonly purpose: string;
  readonly source: VolumeSource;
  readonly size: string;
  readonly accessMode: VolumeAccessMode;
  /** Whether nodes mount it so that no pod can write. */
  readonly readOnly: boolean;
  readonly names: VolumeNames;
}

/** A volume's parts, plain. */
export interface VolumeParts {
  metadata: k8s.types.input.meta.v1.ObjectMeta;
  spec: k8s.types.input.core.v1.PersistentVolumeSpec;
}

/** A claim's parts, plain. */
export interface ClaimParts {
  metadata: k8s.types.input.meta.v1.ObjectMeta;
  spec: k8s.types.input.core.v1.PersistentVolumeClaimSpec;
}

/**
 * The names of volume and claim. Neither can be changed once made, nor deleted while pods use it, so that another source gets
 * other names: the new pair is made, pods move over, and the old pair goes.
 */
export function volumeNames(volume: ClaimedVolume): { volume: string; claim: string; storageClass: string } {
  const { namespace, purpose, names } = volume;
  const key = createHash("sha256")
    .update(JSON.stringify(identity(volume)))
    .digest("hex")
    .slice(0, 8);
  const claim = names.claim ?? `${purpose}-${key}`;
  return {
    claim,
    volume: names.volume ?? `${namespace}-${claim}`,
    // No StorageClass has this name: the volume and its claim find each other and nobody else.
    storageClass: names.storageClass ?? `sandlot-${purpose}`,
  };
}

/** What makes a pair another one. A volume on demand grows in place, and keeps its access mode: another claim would be an empty one. */
function identity({ source, size, accessMode, readOnly }: ClaimedVolume): unknown[] {
  const usual = readOnly ? VolumeAccessMode.ReadOnlyMany : VolumeAccessMode.ReadWriteMany;
  const mode = accessMode === usual ? [] : [accessMode];
  switch (source.kind) {
    case "hostPath":
      return [source.path, size, ...mode];
    case "storageClass":
      return [source.kind, source.storageClass];
    default:
      return [source, size, ...mode];
  }
}

/** The volume: kept when its claim goes, reserved for its claim. A StorageClass makes its own. */
export function volumeArgs(volume: ClaimedVolume): VolumeParts {
  const names = volumeNames(volume);
  const { source, readOnly } = volume;
  return {
    metadata: { name: names.volume, labels: commonLabels(volume.purpose) },
    spec: {
      accessModes: [volume.accessMode],
      capacity: { storage: volume.size },
      claimRef: { namespace: volume.namespace, name: names.claim },
      ...place(source, readOnly),
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: names.storageClass,
    },
  };
}

/** @throws Error for a StorageClass, which has no place before the volume is made. */
function place(
  source: VolumeSource,
  readOnly: boolean,
): Partial<k8s.types.input.core.v1.PersistentVolumeSpec> {
  switch (source.kind) {
    case "hostPath":
      // A folder of the node has no read-only mode of its own: pods mount it read-only.
      return { hostPath: { path: source.path, type: "Directory" } };
    case "nfs": {
      const { server, path, mountOptions } = source;
      return { nfs: { server, path, readOnly }, mountOptions: [...mountOptions] };
    }
    case "csi": {
      const { driver, volumeHandle, fsType, attributes } = source;
      return {
        csi: {
          driver,
          volumeHandle,
          readOnly,
          ...(fsType === undefined ? {} : { fsType }),
          ...(Object.keys(attributes).length === 0 ? {} : { volumeAttributes: { ...attributes } }),
        },
      };
    }
    case "storageClass":
      throw new Error(`the StorageClass ${source.storageClass} makes its volume itself`);
  }
}

/** The claim, pinned to the volume, or to a StorageClass. */
export function claimArgs(volume: ClaimedVolume): ClaimParts {
  const names = volumeNames(volume);
  const { source } = volume;
  const onDemand = source.kind === "storageClass";
  return {
    metadata: { name: names.claim, namespace: volume.namespace, labels: commonLabels(volume.purpose) },
    spec: {
      accessModes: [volume.accessMode],
      resources: { requests: { storage: volume.size } },
      storageClassName: onDemand ? source.storageClass : names.storageClass,
      ...(onDemand ? {} : { volumeName: names.volume }),
    },
  };
}
