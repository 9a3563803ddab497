// From configuration to where sandboxes run.
import {
  AntiAffinity,
  NodeOperator,
  TaintEffect,
  TolerationOperator,
  type NodeRequirement,
  type SandboxPlacement,
  type SandboxToleration,
} from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";

type Placement = NonNullable<NonNullable<SandlotConfig["sandbox"]>["placement"]>;

const antiAffinity = {
  none: AntiAffinity.None,
  preferred: AntiAffinity.Preferred,
  required: AntiAffinity.Required,
} as const;

/** Taints, as components take them. */
export function tolerations(listed: NonNullable<Placement["tolerations"]>): SandboxToleration[] {
  return listed.map(({ operator, effect, ...same }) =>
    given({
      ...same,
      operator: operator && TolerationOperator[operator],
      effect: effect && TaintEffect[effect],
    }),
  );
}

function requirements(listed: NonNullable<Placement["requiredNodes"]>): NodeRequirement[] {
  return listed.map(({ operator, ...same }) =>
    given({ ...same, operator: operator && NodeOperator[operator] }),
  );
}

/** Where sandboxes run. */
export function placementArguments(placement: Placement): SandboxPlacement {
  const { nodeSelector, topologySpread, near, awayFrom } = placement;
  return given({
    nodeSelector,
    topologySpread,
    near,
    awayFrom,
    tolerations: placement.tolerations && tolerations(placement.tolerations),
    antiAffinity: placement.antiAffinity && antiAffinity[placement.antiAffinity],
    requiredNodes: placement.requiredNodes && requirements(placement.requiredNodes),
    preferredNodes: placement.preferredNodes?.map((preference) => ({
      weight: preference.weight,
      requirements: requirements(preference.requirements),
    })),
  });
}
