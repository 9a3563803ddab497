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

/** Arguments of the user data's storage and of the removal of what is stale; nothing for none. */
export function userDataArguments({
  userData: config,
}: SandlotConfig): Pick<SandboxPlatformArgs, "userData" | "userDataRetention"> {
  if (config === undefined) return {};
  const { accessMode, nodePath, retention, ...same } = config;
  const userData = given({
    ...same,
    source: sourceOf(config),
    hostPath: nodePath,
    accessMode: accessModeOf(accessMode),
  });
  return given({ userData, userDataRetention: retention });
}
