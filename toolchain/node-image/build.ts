// The image of the cluster's node: the one that is asked for, else k3s with gVisor put in, else a k3s-compatible node that
// is built here from Go modules and Debian packages.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { contentKey } from "../cache.js";
import type { DockerEngine } from "../docker-engine/index.js";
import { imagePresent, obtainImage, type PullPolicy } from "../docker-images.js";
import { UserError } from "../errors.js";
import { cacheRoot } from "../paths.js";
import { requireBuildRoom } from "../prerequisites/build-room.js";
import { note, step } from "../progress.js";
import { assembleNodeImage } from "./assemble.js";
import { hasGvisor, layerGvisor } from "./gvisor-layer.js";
import { buildPrograms, moduleSources, nodeImageSources } from "./programs.js";
import { nodeRootfs, rootfsScript } from "./rootfs.js";

/** The image that is used when none is asked for. */
export const defaultNodeImage = "rancher/k3s:v1.34.6-k3s1";

export type { PullPolicy };

/** What is asked for. */
export interface WantedNodeImage {
  /**
   * A k3s image, or one that keeps its contract. gVisor is put in unless the image is labelled `sandlot.dev/gvisor=true`.
   * @default - {@link defaultNodeImage}, or what is built in its place
   */
  image?: string;
  /** @default "IfNotPresent" */
  pullPolicy?: PullPolicy;
}

/** The image to run, and how it was come by: from a registry, built here from packages, or there already. */
export interface NodeImage {
  ref: string;
  source: "pulled" | "built" | "present";
}

/**
 * Provides the node image on the engine. Can be interrupted and run again; does next to nothing when the image is there.
 * @throws UserError when the image asked for cannot be had, or none can be had or built on this machine.
 */
export async function ensureNodeImage(
  docker: Pick<DockerEngine, "cli">,
  wanted: WantedNodeImage = {},
): Promise<NodeImage> {
  removeLeftovers();
  const policy = wanted.pullPolicy ?? "IfNotPresent";
  if (wanted.image !== undefined) return explicitImage(docker.cli, wanted.image, policy);

  const built = builtReference();
  if (policy !== "Always" && (await imagePresent(docker.cli, built)))
    return { ref: built, source: "present" };
  const obtained = await obtainImage(docker.cli, defaultNodeImage, policy);
  if (obtained !== undefined) return withGvisor(docker.cli, defaultNodeImage, obtained);
  if (await imagePresent(docker.cli, built)) return { ref: built, source: "present" };
  note(`${defaultNodeImage} cannot be had here: a k3s-compatible node image is built from packages`);
  await buildNodeImage(docker.cli, built);
  return { ref: built, source: "built" };
}

async function explicitImage(cli: string, image: string, policy: PullPolicy): Promise<NodeImage> {
  const source = await obtainImage(cli, image, policy);
  if (source !== undefined) return withGvisor(cli, image, source);
  throw new UserError(
    `The node image ${image} is not on the Docker engine and ${policy === "Never" ? "must not" : "cannot"} be pulled (pull policy ${policy})`,
    [
      `Load it (docker load, docker pull), choose another image or ${policy === "Never" ? "the pull policy IfNotPresent" : "a registry that can be reached"} in the stack's configuration,`,
      "or leave the image out: then one that works here is found or built",
    ].join("\n"),
  );
}

async function withGvisor(cli: string, image: string, source: NodeImage["source"]): Promise<NodeImage> {
  return { ref: (await hasGvisor(cli, image)) ? image : await layerGvisor(cli, image), source };
}

/** The name of the image that is built here; another one for other sources. */
function builtReference(): string {
  return `sandlot/node:${builtKey()}`;
}

function builtKey(): string {
  const files = [
    ...(["node", "coredns", "gvisor"] as const).flatMap(moduleSources),
    rootfsScript,
    ...["assemble.ts", "image-archive.ts", "programs.ts"].map((name) => join(nodeImageSources, name)),
  ];
  return contentKey({ strings: [process.arch], files, root: nodeImageSources });
}

/** The packages come over the network while the compiler keeps the processor busy; Go itself uses every core. */
async function buildNodeImage(cli: string, ref: string): Promise<void> {
  await requireBuildRoom();
  const [rootfs, programs] = await settleAll([nodeRootfs(), buildAllPrograms()]);
  await step("node image: put together", () =>
    assembleNodeImage(cli, { rootfs, ...programs }, ref, builtKey()),
  );
}

async function buildAllPrograms(): Promise<{ node: string; coredns: string; gvisor: string }> {
  return {
    node: await buildPrograms("node"),
    coredns: await buildPrograms("coredns"),
    gvisor: await buildPrograms("gvisor"),
  };
}

/** Like Promise.all, but failing only when all have ended: what one has made is kept for the next run. */
async function settleAll<A, B>(work: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

/** Long enough for any of our steps. */
const staleMs = 3_600_000;

/** Removes temporary folders that interrupted runs left in the cache. */
function removeLeftovers(): void {
  mkdirSync(cacheRoot(), { recursive: true });
  for (const name of readdirSync(cacheRoot()).filter((entry) => entry.startsWith(".node-"))) {
    const path = join(cacheRoot(), name);
    if (existsSync(path) && Date.now() - statSync(path).mtimeMs > staleMs)
      rmSync(path, { recursive: true, force: true });
  }
}
