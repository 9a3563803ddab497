// sandlot:userData: what outlives a sandbox.
import { z } from "zod";

import { absolutePath, count, dnsLabel, field, flag, object, quantity } from "../values";
import { accessMode, csi, names, nfs } from "./volume";

export const userData = object(
  {
    storageClass: dnsLabel("A StorageClass that makes the volume").optional(),
    nfs: nfs.optional(),
    csi: csi.optional(),
    nodePath: absolutePath("A folder of every node, writable by user 1000; for one-node clusters").optional(),
    existingClaim: dnsLabel("A PersistentVolumeClaim that is there already").optional(),
    size: quantity("How much the claim asks for. Default: 10Gi").optional(),
    accessMode: accessMode(
      "From where the volume is mounted: ReadWriteOnce keeps all its pods on one node. A StorageClass's claim that is there keeps its own. Default: ReadWriteMany",
    ).optional(),
    subPath: field(
      z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/),
      "The folder of the volume that sandboxes see at /mnt/user-data. Default: shared",
      'a folder inside the volume, such as "users/alice": parts of letters, digits, -, _ and ., none beginning with a dot',
    ).optional(),
    retain: flag(
      "Whether the data stays in the cluster when it is removed from the stack. Default: true",
    ).optional(),
    retention: object(
      {
        days: count(
          "After how many days without a sandbox that uses it the data of a user's thread is removed",
          8,
          3_650,
        ),
        schedule: field(
          z.string().regex(/^[0-9*/,-]+( [0-9*/,-]+){4}$/),
          "When that is done, in UTC. Default: 17 3 * * *",
          'five fields of cron in quotes, such as "17 3 * * *"',
        ).optional(),
      },
      "When data is removed that the provisioner's sandboxes no longer use. Default: never",
    ).optional(),
    names: names.optional(),
  },
  "Users' data, which outlives sandboxes. Without it, what is written at /mnt/user-data goes with the sandbox",
);

/** The settings of which exactly one says where the data is kept. */
export const userDataSources = ["storageClass", "nfs", "csi", "nodePath", "existingClaim"] as const;
