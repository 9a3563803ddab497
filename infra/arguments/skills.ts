// From configuration to where skills come from.
import { SkillsSource, type SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import type { Place } from "./surroundings";
import { accessModeOf } from "./volume";

/** Where the node of a cluster of our own sees the skills folder. */
export const skillsInNode = "/mnt/skills";

type Skills = NonNullable<SandlotConfig["skills"]>;

/** What skills come from, unless it is a folder of this machine. */
function sourceOf({ nodePath, nfs, csi, storageClass, existingClaim }: Skills): SkillsSource | undefined {
  if (nodePath !== undefined) return SkillsSource.HostPath;
  if (nfs !== undefined) return SkillsSource.Nfs;
  if (csi !== undefined) return SkillsSource.Csi;
  if (storageClass !== undefined) return SkillsSource.StorageClass;
  return existingClaim === undefined ? undefined : SkillsSource.ExistingClaim;
}

/** Whether skills come from this machine, rather than from something that the cluster has. */
export function skillsAreHere(skills: Skills): boolean {
  return sourceOf(skills) === undefined;
}

/** Arguments of the skills' storage; undefined for none: nodes of clusters that are not our own see no folder of this machine. */
export function skillsArguments(
  { skills = {} }: SandlotConfig,
  { kind }: Pick<Place, "kind">,
): SandboxPlatformArgs["skills"] {
  const { nodePath, nfs, csi, storageClass, existingClaim, size, accessMode, retain, names } = skills;
  const source = sourceOf(skills);
  if (source === undefined && kind !== "container") return undefined;
  const hostPath = source === undefined ? skillsInNode : nodePath;
  return given({
    source: source ?? SkillsSource.HostPath,
    ...given({ hostPath, nfs, csi, storageClass, existingClaim, size, retain, names }),
    accessMode: accessModeOf(accessMode),
  });
}
