// A pod that fills its emptyDir fills its node.
import { podRule } from "../lib/rule";
import { at, isKnown, listAt, mayExist, textAt } from "../lib/values";

export const ephemeralVolumeLimits = podRule(
  {
    name: "ephemeral-volume-limits",
    group: "Resources",
    description: "Every emptyDir states how much it may hold.",
    severity: "medium",
    remediationSteps: "Set emptyDir.sizeLimit",
    url: "https://kubernetes.io/docs/concepts/storage/volumes/#emptydir",
  },
  ({ spec }) =>
    listAt(spec, "volumes")
      .filter((volume) => isKnown(at(volume, "emptyDir")) && !mayExist(at(volume, "emptyDir", "sizeLimit")))
      .map((volume) => `The volume ${textAt(volume, "name") ?? ""} has no sizeLimit`),
);
