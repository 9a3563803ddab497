// What the program needs to know of the machine it runs on: the state folder, the images, and what the place of the
// platform is made of: the skills folder, or a kubeconfig, or the folder to render into.
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import type { ContainerPlace, ExistingPlace, Place, Surroundings } from "./arguments";
import { skillsAreHere } from "./arguments/skills";
import { ConfigError } from "./config/load";
import type { SandlotConfig } from "./config/schema";
import { KubeconfigProblem, selectContext } from "./kubeconfig";
import { resolveImage } from "./resolved";

/**
 * Looks around for `stack` in the project folder `root`.
 * @throws ConfigError when something that configuration names is not there; Error when images are neither configured nor
 * set up.
 */
export function lookAround(stack: string, config: SandlotConfig, root: string): Surroundings {
  const stateDir = join(root, ".sandlot");
  const place = placeOf(stack, config, root);
  const image = config.sandbox?.image;
  return {
    stack,
    stateDir,
    sandboxImage:
      place.kind === "container"
        ? resolveImage(stateDir, stack, "sandboxImage", image)
        : imageByReference(place, image),
    place,
  };
}

function placeOf(stack: string, config: SandlotConfig, root: string): Place {
  const { kind = "container", directory = "" } = config.target ?? {};
  switch (kind) {
    case "container":
      return containerPlace(stack, config, root);
    case "existing":
      return existingPlace(config.target ?? {}, root);
    case "render":
      return { kind, directory: resolve(root, directory) };
  }
}

function containerPlace(
  stack: string,
  { cluster, sandbox, skills = {} }: SandlotConfig,
  root: string,
): ContainerPlace {
  const { hostPath = "skills" } = skills;
  return {
    kind: "container",
    nodeImage: resolveImage(join(root, ".sandlot"), stack, "nodeImage", cluster?.image),
    ...(skillsAreHere(skills) ? { skillsPath: skillsFolder(resolve(root, hostPath)) } : {}),
    ...(sandbox?.image === undefined
      ? { buildSandboxImage: `cd '${root}' && node --import tsx toolchain/sandbox-image/cli.ts build` }
      : {}),
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

/** Settings that the schema has found to be complete (config/keys/target.ts). */
function existingPlace(target: NonNullable<SandlotConfig["target"]>, root: string): ExistingPlace {
  const { kubeconfig, kubeconfigPath = "", context = "", clusterIdentifier = "" } = target;
  const path = kubeconfig === undefined ? resolve(root, withHome(kubeconfigPath)) : undefined;
  const setting =
    path === undefined
      ? "sandlot:target.kubeconfig cannot be used"
      : `sandlot:target.kubeconfigPath is ${JSON.stringify(path)}, which cannot be used`;
  try {
    const text = kubeconfig ?? readFileSync(path ?? "", "utf8");
    return { kind: "existing", ...selectContext(text, context, path), context, clusterIdentifier };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof KubeconfigProblem) && code === undefined) throw error;
    const why = error instanceof KubeconfigProblem ? error.message : `it cannot be read (${String(code)})`;
    throw new ConfigError([
      `${setting}: ${why}; allowed: a kubeconfig with the context that sandlot:target.context names`,
    ]);
  }
}

function withHome(path: string): string {
  return path.startsWith("~/") ? join(homedir(), path.slice(2)) : path;
}

/** Where no image of this machine can be loaded, nodes pull it by its reference. */
function imageByReference({ kind }: Place, image: string | undefined): string {
  if (image !== undefined) return image;
  throw new ConfigError([
    `sandlot:sandbox.image is missing: target.kind is ${kind}, and nodes pull the image from a registry; allowed: an ` +
      "image with its tag or digest. Push the image there and name it",
  ]);
}
