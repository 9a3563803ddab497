// What cannot be made again is not deleted by a slip.
import { objectRule } from "../lib/rule";

const kinds = ["Namespace", "PersistentVolume", "PersistentVolumeClaim"];

export const protectedObjects = objectRule<{ kinds: string[] }>(
  {
    name: "protected-objects",
    group: "Cluster and data",
    description: "Pulumi refuses to delete namespaces and volumes.",
    severity: "medium",
    remediationSteps: "Set protect in the component's arguments or the resource's options",
    url: "https://www.pulumi.com/docs/iac/concepts/resources/options/protect/",
    enforcementLevel: "advisory",
    settings: {
      kinds: {
        type: "array",
        items: { type: "string", enum: kinds },
        default: kinds,
        description: "Kinds that must be protected.",
      },
    },
  },
  kinds,
  ({ kind, protect }, config) =>
    config.kinds.includes(kind) && !protect ? [`The ${kind} is not protected`] : [],
);
