// What the program needs to know of the machine it runs on: the state folder, the skills folder, the images.
import { statSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Surroundings } from "./arguments";
import { ConfigError } from "./config/load";
import type { SandlotConfig } from "./config/schema";
import { resolveImages } from "./resolved";

/**
 * Looks around for `stack` in the project folder `root`.
 * @throws ConfigError when the skills folder is not there; Error when images are neither configured nor set up.
 */
export function lookAround(stack: string, config: SandlotConfig, root: string): Surroundings {
  const stateDir = join(root, ".sandlot");
  const { existingClaim, hostPath = "skills" } = config.skills ?? {};
  return {
    stack,
    stateDir,
    skillsPath: existingClaim === undefined ? skillsFolder(resolve(root, hostPath)) : undefined,
    ...resolveImages(stateDir, stack, config),
    buildSandboxImage: `cd '${root}' && node --import tsx toolchain/sandbox-image/cli.ts build`,
  };
}

function skillsFolder(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError([
      `sandlot:skills.hostPath is ${JSON.stringify(path)}, which is not a folder on this machine; allowed: an existing ` +
        "folder, or skills.existingClaim instead",
    ]);
  }
  return path;
}
