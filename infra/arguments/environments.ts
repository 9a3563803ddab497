// From configuration to the named environments.
import { EgressProfile, SandboxPullPolicy, type SandboxEnvironmentOptions } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import { placementArguments } from "./placement";

type EnvironmentConfig = NonNullable<SandlotConfig["environments"]>[number];

/** Arguments of the named environments. */
export function environmentArguments({ environments = [] }: SandlotConfig): SandboxEnvironmentOptions[] {
  return environments.map(environmentOptions);
}

const profiles = {
  blocked: EgressProfile.Blocked,
  allowlist: EgressProfile.Allowlist,
  open: EgressProfile.Open,
} as const;

function environmentOptions(config: EnvironmentConfig): SandboxEnvironmentOptions {
  const { repository, imagePullPolicy, runtimeClass, egress, environment = {}, placement, ...same } = config;
  return given({
    ...same,
    registry: repository === undefined ? undefined : { repository },
    imagePullPolicy: imagePullPolicy && SandboxPullPolicy[imagePullPolicy],
    runtimeClassName: runtimeClass,
    egress: egress && profiles[egress],
    placement: placement && placementArguments(placement),
    spread: placement?.spread,
    env: Object.entries(environment).map(([name, value]) => ({ name, value })),
  });
}
