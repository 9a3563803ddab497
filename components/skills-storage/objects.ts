// The skills volume and its claim, built from plain values.
import type * as k8s from "@pulumi/kubernetes";
import { createHash } from "node:crypto";

import { commonLabels } from "../shared/labels";

/** A folder of the node, as a volume of a namespace. */
export interface SkillsFolder {
  namespace: string;
  hostPath: string;
  size: string;
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

/** No StorageClass has this name: the volume and its claim find each other and nobody else. */
export const storageClassName = "sandlot-skills";

/**
 * The names of volume and claim. Neither can be changed once made, nor deleted while pods use it, so that another folder or
 * size gets other names: the new pair is made, pods move over, and the old pair goes.
 */
export function skillsNames(folder: SkillsFolder): { volume: string; claim: string } {
  const key = createHash("sha256")
    .update(JSON.stringify([folder.hostPath, folder.size]))
    .digest("hex")
    .slice(0, 8);
  return { volume: `${folder.namespace}-skills-${key}`, claim: `skills-${key}` };
}

/** The volume: read-only, kept when its claim goes, reserved for its claim. */
export function volumeArgs(folder: SkillsFolder): VolumeParts {
  const names = skillsNames(folder);
  return {
    metadata: { name: names.volume, labels: commonLabels("skills") },
    spec: {
      accessModes: ["ReadOnlyMany"],
      capacity: { storage: folder.size },
      claimRef: { namespace: folder.namespace, name: names.claim },
      hostPath: { path: folder.hostPath, type: "Directory" },
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName,
    },
  };
}

/** The claim, pinned to the volume. */
export function claimArgs(folder: SkillsFolder): ClaimParts {
  const names = skillsNames(folder);
  return {
    metadata: { name: names.claim, namespace: folder.namespace, labels: commonLabels("skills") },
    spec: {
      accessModes: ["ReadOnlyMany"],
      resources: { requests: { storage: folder.size } },
      storageClassName,
      volumeName: names.volume,
    },
  };
}
