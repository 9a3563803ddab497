// Nodes and pods as several keys of configuration choose them: labels, taints, affinity.
import { z } from "zod";

import { choice, count, field, flag, labels, listOf, object, text } from "../values";

export const toleration = object(
  {
    key: text("The taint's key, such as sandbox.gke.io/runtime"),
    operator: choice(["Equal", "Exists"], "How value is compared. Default: Equal").optional(),
    value: text("The taint's value; not with Exists").optional(),
    effect: choice(
      ["NoSchedule", "PreferNoSchedule", "NoExecute"],
      "The taint's effect. Default: every effect",
    ).optional(),
  },
  "A taint that pods put up with",
);

const nodeLabel = (description: string) => text(`${description}, such as topology.kubernetes.io/zone`);

const requirement = object(
  {
    key: nodeLabel("A node label"),
    operator: choice(
      ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"],
      "How it is compared. Default: In",
    ).optional(),
    values: listOf(
      field(z.string(), "A value", "a text"),
      "What it is compared with: one or more with In and NotIn, one whole number with Gt and Lt, none otherwise",
    ).optional(),
  },
  "What a node's label must be",
);

const proximity = object(
  {
    podLabels: labels("Labels of pods of the namespace"),
    topologyKey: nodeLabel(
      "The node label within whose value is near. Default: kubernetes.io/hostname. Another",
    ).optional(),
    required: flag("Whether a pod that finds no such place waits. Default: false").optional(),
  },
  "Other pods",
);

/** @param antiAffinity what `required` takes, and what holds where nothing is said */
const placementOf = (antiAffinity: string) =>
  object(
    {
      nodeSelector: labels("Labels that nodes must have, besides those of the RuntimeClass").optional(),
      tolerations: listOf(
        toleration,
        "Taints that sandboxes put up with, besides those of the RuntimeClass",
      ).optional(),
      spread: flag(
        "Whether sandboxes are spread over nodes and zones where nothing else is said. Default: true",
      ).optional(),
      topologySpread: listOf(
        object(
          {
            topologyKey: nodeLabel("The node label over whose values sandboxes are spread"),
            maxSkew: count("By how many two values may differ. Default: 1", 1, 100).optional(),
            required: flag("Whether a sandbox that would make it uneven waits. Default: false").optional(),
          },
          "One constraint",
        ),
        "How sandboxes are spread. Default: over zones and nodes, as evenly as can be without keeping one from running",
      ).optional(),
      antiAffinity: choice(
        ["none", "preferred", "required"],
        `Whether sandboxes get nodes of their own; ${antiAffinity}`,
      ).optional(),
      requiredNodes: listOf(requirement, "What nodes must be; all of it").optional(),
      preferredNodes: listOf(
        object(
          {
            weight: count("How much better those nodes are", 1, 100),
            requirements: listOf(requirement, "What holds of them; all of it"),
          },
          "One preference",
        ),
        "What nodes should be",
      ).optional(),
      near: listOf(proximity, "Pods to be near to").optional(),
      awayFrom: listOf(proximity, "Pods to be away from").optional(),
    },
    "Where sandboxes run",
  );

/** Of the shared sandboxes. */
export const placement = placementOf(
  "required takes a node more than there are replicas. Default: preferred",
);

/** Of an environment's sandboxes. */
export const environmentPlacement = placementOf(
  "with required, those for whom there is none wait. Default: none",
);
