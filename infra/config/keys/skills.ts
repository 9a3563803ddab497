// sandlot:skills: the read-only skills.
import { z } from "zod";

import { absolutePath, dnsLabel, field, flag, object, quantity } from "../values";
import { accessMode, csi, names, nfs } from "./volume";

export const skills = object(
  {
    hostPath: field(
      z
        .string()
        .min(1)
        .regex(/^[^\0:]+$/),
      "The skills folder on this machine, absolute, relative to the project, or in the home folder (~/). Default: skills",
      "a path of an existing folder, without a colon",
    ).optional(),
    nodePath: absolutePath("A folder of every node instead of hostPath; for one-node clusters").optional(),
    nfs: nfs.optional(),
    csi: csi.optional(),
    storageClass: dnsLabel(
      "A StorageClass that makes the volume, which somebody else fills, instead of hostPath",
    ).optional(),
    existingClaim: dnsLabel("A PersistentVolumeClaim to use instead of hostPath").optional(),
    size: quantity("The volume's nominal size. Default: 1Gi").optional(),
    accessMode: accessMode(
      "From where a StorageClass's volume is mounted; sandboxes mount it read-only in any case. A claim that is there keeps its own. Default: ReadWriteMany",
    ).optional(),
    retain: flag(
      "Whether volume and claim stay in the cluster when they are removed from the stack. Default: false",
    ).optional(),
    names: names.optional(),
  },
  "The read-only skills that sandboxes see at /mnt/skills",
);

/** The settings of which at most one says where skills come from. */
export const skillsSources = ["hostPath", "nodePath", "nfs", "csi", "storageClass", "existingClaim"] as const;
