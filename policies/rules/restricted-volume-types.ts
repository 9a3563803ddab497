// Volumes of the pod's own making, or claimed: no folder of the node, no storage past the cluster's own drivers.
import { podRule } from "../lib/rule";
import { fieldsAt, isKnown, listAt, textAt } from "../lib/values";

const allowed = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

export const restrictedVolumeTypes = podRule(
  {
    name: "restricted-volume-types",
    group: "Pod Security",
    description:
      "Pods mount no folder of their node (hostPath), and nothing but Pod Security's restricted volume types.",
    severity: "critical",
    remediationSteps: `Use a PersistentVolumeClaim, or another of ${allowed.join(", ")}`,
    url: "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
  },
  ({ spec }) =>
    listAt(spec, "volumes").flatMap((volume, i) =>
      fieldsAt(volume)
        .filter(([field, value]) => field !== "name" && isKnown(value) && !allowed.includes(field))
        .map(([field]) => `The volume ${textAt(volume, "name") ?? `volumes[${i}]`} is a ${field}`),
    ),
);
