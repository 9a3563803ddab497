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
  const { provisioner } = config;
  const around = {
    stack,
    stateDir,
    sandboxImage:
      place.kind === "container"
        ? resolveImage(stateDir, stack, "sandboxImage", image)
        : imageByReference(place, "sandbox", image),
    ...(provisioner?.enabled === true
      ? { provisionerImage: provisionerImage(place, stateDir, stack, provisioner.image) }
      : {}),
    place,
  };
  if (provisioner?.enabled === true) requireKeys(place, provisioner);
  return around;
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
  { cluster, provisioner, sandbox, skills = {} }: SandlotConfig,
  root: string,
): ContainerPlace {
  const { hostPath = "skills" } = skills;
  const build = (image: string): string =>
    `cd '${root}' && node --import tsx toolchain/${image}/cli.ts build`;
  return {
    kind: "container",
    nodeImage: resolveImage(join(root, ".sandlot"), stack, "nodeImage", cluster?.image),
    ...(skillsAreHere(skills) ? { skillsPath: skillsFolder(resolve(root, withHome(hostPath))) } : {}),
    ...(sandbox?.image === undefined ? { buildSandboxImage: build("sandbox-image") } : {}),
    ...(provisioner?.image === undefined ? { buildProvisionerImage: build("provisioner-image") } : {}),
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
function imageByReference(
  { kind }: Place,
  key: "sandbox" | "provisioner",
  image: string | undefined,
): string {
  if (image !== undefined) return image;
  throw new ConfigError([
    `sandlot:${key}.image is missing: target.kind is ${kind}, and nodes pull the image from a registry; allowed: an ` +
      "image with its tag or digest. Push the image there and name it",
  ]);
}

function provisionerImage(place: Place, stateDir: string, stack: string, image: string | undefined): string {
  return place.kind === "container"
    ? resolveImage(stateDir, stack, "provisionerImage", image)
    : imageByReference(place, "provisioner", image);
}

/** In a cluster of its own, keys are made at random; nobody makes them on a machine that only happens to run an update. */
function requireKeys({ kind }: Place, given: NonNullable<SandlotConfig["provisioner"]>): void {
  const { apiKey, signingKey, tenants = [], existingSecret } = given;
  if (kind === "container" || existingSecret !== undefined) return;
  const secretOf = (name: string): string =>
    `\`openssl rand -hex 32 | make -s secret STACK=… SETTING=provisioner.${name}\``;
  const problems = [
    ...(signingKey === undefined
      ? [
          `sandlot:provisioner.signingKey is missing; allowed: at least 64 hexadecimal digits, as a secret. Give it with ` +
            `${secretOf("signingKey")}, or name an existingSecret`,
        ]
      : []),
    ...(apiKey === undefined && tenants.length === 0
      ? [
          "sandlot:provisioner.tenants and provisioner.apiKey are missing, so that nobody could call; allowed: one of them. List " +
            `tenants with the hashes of their keys, or give a key with ${secretOf("apiKey")}`,
        ]
      : []),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
}
