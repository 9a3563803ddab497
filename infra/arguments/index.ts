// From configuration to the components' arguments: pure, so that everything is known and checked before anything is
// registered. One file per component.
import type { SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { deploymentArguments } from "./deployment";
import { environmentArguments } from "./environments";
import { imageScanArguments } from "./image-scan";
import { namespaceArguments } from "./namespace";
import { networkArguments } from "./network";
import { observabilityArguments } from "./observability";
import { provisionerArguments } from "./provisioner";
import { runtimeArguments } from "./runtime";
import { skillsArguments } from "./skills";
import type { Surroundings } from "./surroundings";
import { userDataArguments } from "./user-data";

export { clusterArguments } from "./cluster";
export type { ContainerPlace, ExistingPlace, Place, RenderPlace, Surroundings } from "./surroundings";

/** Arguments of what is deployed into the cluster. */
export function platformArguments(config: SandlotConfig, around: Surroundings): SandboxPlatformArgs {
  return {
    image: around.sandboxImage,
    ...imageScanArguments(config),
    namespace: namespaceArguments(config),
    network: networkArguments(config),
    skills: skillsArguments(config, around.place),
    ...userDataArguments(config),
    ...runtimeArguments(config),
    deployment: deploymentArguments(config),
    observability: observabilityArguments(config),
    ...provisionerArguments(config, around),
    environments: environmentArguments(config),
  };
}
