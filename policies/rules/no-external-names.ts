// An ExternalName is a name of the cluster that leads out of it, past all rules about addresses.
import { objectRule } from "../lib/rule";
import { textAt } from "../lib/values";

export const noExternalNames = objectRule(
  {
    name: "no-external-names",
    group: "Network",
    description: "No Service is an alias of a host outside the cluster.",
    severity: "high",
    remediationSteps: "Let clients name the host itself, so that egress rules see it",
    url: "https://kubernetes.io/docs/concepts/services-networking/service/#externalname",
  },
  ["Service"],
  ({ object }) =>
    textAt(object, "spec", "type") === "ExternalName"
      ? [`spec.type is ExternalName, for ${textAt(object, "spec", "externalName") ?? "another host"}`]
      : [],
);
