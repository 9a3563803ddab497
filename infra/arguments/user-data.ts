// From configuration to where users' data is kept.
import { UserDataSource, type SandboxPlatformArgs } from "@sandlot/components";

import type { SandlotConfig } from "../config/schema";
import { given } from "./given";
import { accessModeOf } from "./volume";

type UserData = NonNullable<SandlotConfig["userData"]>;

function sourceOf({ nfs, csi, nodePath, existingClaim }: UserData): UserDataSource {
  if (nfs !== undefined) return UserDataSource.Nfs;
  if (csi !== undefined) return UserDataSource.Csi;
  if (nodePath !== undefined) return UserDataSource.HostPath;
  return existingClaim === undefined ? UserDataSource.StorageClass : UserDataSource.ExistingClaim;
}

/** Arguments of the user data's storage; undefined for none. */
export function userDataArguments({ userData }: SandlotConfig): SandboxPlatformArgs["userData"] {
  if (userData === undefined) return undefined;
  const { accessMode, nodePath, ...same } = userData;
  return given({
    ...same,
    source: sourceOf(userData),
    hostPath: nodePath,
    accessMode: accessModeOf(accessMode),
  });
}
