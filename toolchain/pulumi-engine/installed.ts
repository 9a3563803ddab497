// A Pulumi CLI that the user has already.
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

import { findOnPath } from "../find.js";
import { tryOutput } from "../run.js";

/** A CLI on PATH: the folder that holds it and its Node.js host, and its version. */
export interface InstalledCli {
  bin: string;
  version: string;
}

const host = "pulumi-language-nodejs";

/**
 * The CLI on PATH when it can stand in for the pinned one, else why it cannot, or undefined when there is none.
 * Compatible is the same major version, and no older: newer ones read what older ones wrote, not the reverse.
 */
export async function findInstalled(
  pinned: string,
  env: NodeJS.ProcessEnv,
): Promise<InstalledCli | { unfit: string } | undefined> {
  const cli = findOnPath("pulumi", env);
  if (cli === undefined) return undefined;
  const answer = await tryOutput(cli, ["version"], { env: { PULUMI_SKIP_UPDATE_CHECK: "true" } });
  const version = /^v?(\d+\.\d+\.\d+\S*)$/.exec(answer ?? "")?.[1];
  if (version === undefined) return { unfit: `${cli} does not tell its version` };
  if (!compatible(version, pinned))
    return { unfit: `${cli} is ${version}, but ${pinned} or a newer 3.x is needed` };
  // Package managers link the CLI and the host alike, or the CLI only.
  const bin = [dirname(cli), dirname(realpathSync(cli))].find((folder) => existsSync(join(folder, host)));
  return bin === undefined ? { unfit: `${cli} has no ${host} beside it` } : { bin, version };
}

/** Whether `version` is of the same major version as `pinned` and not older. Pre-releases count as their release. */
export function compatible(version: string, pinned: string): boolean {
  const [major = 0, minor = 0, patch = 0] = numbers(version);
  const [pinnedMajor = 0, pinnedMinor = 0, pinnedPatch = 0] = numbers(pinned);
  return major === pinnedMajor && (minor > pinnedMinor || (minor === pinnedMinor && patch >= pinnedPatch));
}

function numbers(version: string): number[] {
  return version.split(/[-+]/)[0]?.split(".").map(Number) ?? [];
}
