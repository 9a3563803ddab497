// A volume that is a folder of a node is that node's, and is gone with it.
import { objectRule } from "../lib/rule";
import { textAt } from "../lib/values";

/** Whether `path` is `folder` or in it, with no way back out. */
function isWithin(path: string, folder: string): boolean {
  const parts = (text: string): string[] => text.split("/").filter((part) => part !== "" && part !== ".");
  const inner = parts(path);
  return !inner.includes("..") && parts(folder).every((part, i) => inner[i] === part);
}

export const hostPathVolumes = objectRule<{ allowedFolders: string[] }>(
  {
    name: "host-path-volumes",
    group: "Cluster and data",
    description: "PersistentVolumes are no folders of a node, but for those that the environment allows.",
    severity: "high",
    remediationSteps:
      "Use NFS, a CSI driver or an existing claim, or allow the folder in this environment's file in policies/config",
    url: "https://kubernetes.io/docs/concepts/storage/volumes/#hostpath",
    settings: {
      allowedFolders: {
        type: "array",
        items: { type: "string", pattern: "^/" },
        default: [],
        description: "Folders of nodes that PersistentVolumes may be, with all that is in them.",
      },
    },
  },
  ["PersistentVolume"],
  ({ object }, { allowedFolders }) =>
    ["hostPath", "local"].flatMap((type) => {
      const path = textAt(object, "spec", type, "path");
      return path === undefined || allowedFolders.some((folder) => isWithin(path, folder))
        ? []
        : [`spec.${type} is the node's ${path}`];
    }),
);
