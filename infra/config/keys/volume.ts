// What claims stand on: what skills and user data have in common.
import { z } from "zod";

import { absolutePath, choice, dnsLabel, field, listOf, object, text } from "../values";

const mountOption = field(
  z.string().regex(/^[a-z][a-zA-Z0-9_-]*(=[A-Za-z0-9._:/-]+)?$/),
  "An option of the mount",
  'a mount option, such as "nfsvers=4.1"',
);

const attributes = field(
  z.record(z.string(), z.string()),
  "What else the driver is told",
  "names, each with a value in quotes",
);

export const nfs = object(
  {
    server: text("The server's host name or address"),
    path: absolutePath("The exported folder"),
    mountOptions: listOf(mountOption, "How nodes mount it. Default: nosuid, nodev").optional(),
  },
  "A folder of an NFS server",
);

export const csi = object(
  {
    driver: text("The driver's name, such as efs.csi.aws.com"),
    volumeHandle: text("What the driver calls the volume"),
    fsType: text("The volume's file system. Default: the driver's own choice").optional(),
    attributes: attributes.optional(),
  },
  "A volume of a CSI driver",
);

export const accessMode = (description: string) =>
  choice(["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"], description);

export const names = object(
  {
    claim: dnsLabel("The claim's name. Default: made from what it stands on").optional(),
    volume: dnsLabel("The volume's name. Default: the namespace's and the claim's").optional(),
    storageClass: dnsLabel(
      "The class by which volume and claim find each other. Default: one that no other volume has",
    ).optional(),
  },
  "Names of your own, such as those of objects that are there already",
);
