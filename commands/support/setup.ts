// Sets up what a command needs: Docker, the Pulumi engine and its plugins, the images. What is there is used as it is.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ensureDocker, type DockerEngine } from "@sandlot/toolchain/docker-engine/index.js";
import { tryPull } from "@sandlot/toolchain/docker-images.js";
import { UserError } from "@sandlot/toolchain/errors.js";
import { ensureNodeImage, type PullPolicy } from "@sandlot/toolchain/node-image/build.js";
import { installPluginStandIn } from "@sandlot/toolchain/plugins/install.js";
import { ensureProvisionerImage } from "@sandlot/toolchain/provisioner-image/build.js";
import { ensurePlugins, ensurePulumi, pulumiEnv } from "@sandlot/toolchain/pulumi-engine/index.js";
import { ensureSandboxImage } from "@sandlot/toolchain/sandbox-image/build.js";
import { isMap, isSeq, type Document } from "yaml";

import { configured } from "./configured.js";
import { readWritten, type Stack } from "./stack-file.js";
import { targetKind } from "./target.js";

/** What commands run with: the environment for `pulumi` and, where Docker is needed, for `docker`. */
export interface Setup {
  readonly docker?: DockerEngine;
  readonly env: NodeJS.ProcessEnv;
}

/** The engine and its plugins, and Docker where it is needed. */
export async function setUpEngine(document: Document): Promise<Setup> {
  return joined(needsDocker(document) ? ensureDocker() : undefined, preparePulumi());
}

async function preparePulumi(): Promise<NodeJS.ProcessEnv> {
  const pulumi = await ensurePulumi();
  await ensurePlugins(pulumi.home, installPluginStandIn);
  return pulumiEnv(pulumi);
}

async function joined(
  docker: Promise<DockerEngine> | undefined,
  pulumi: Promise<NodeJS.ProcessEnv>,
): Promise<Setup> {
  const [engine, env] = await Promise.all([docker, pulumi]);
  if (engine === undefined) return { env };
  return { docker: engine, env: { ...env, ...(engine.host === "" ? {} : { DOCKER_HOST: engine.host }) } };
}

/** Whether the stack's cluster is in a container, or an image is built for it here. */
function needsDocker(document: Document): boolean {
  if (targetKind(document) === "container") return true;
  const environments = document.getIn(["config", "sandlot:environments"]);
  return isSeq(environments) && environments.items.some((item) => isMap(item) && item.has("build"));
}

/**
 * Everything that an update of `stack` needs: its images as well, where they are this machine's to provide. Engine and images
 * are made side by side: while the one downloads or links, the other compiles.
 */
export async function setUp(stack: Stack): Promise<Setup> {
  const document = readWritten(stack);
  const docker = needsDocker(document) ? ensureDocker() : undefined;
  const images = async (): Promise<void> => {
    if (docker !== undefined && targetKind(document) === "container")
      await setUpImages(stack, document, await docker);
  };
  const [setup] = await Promise.all([joined(docker, preparePulumi()), images()]);
  return setup;
}

/** Finds, pulls or builds the images that `stack` uses, and notes them for the program (infra/resolved.ts). */
async function setUpImages(stack: Stack, document: Document, docker: DockerEngine): Promise<void> {
  const image = (key: string): string | undefined => configured(document, key, "image") as string | undefined;
  const policy = (key: string): PullPolicy | undefined =>
    configured(document, key, "imagePullPolicy") as PullPolicy | undefined;
  const node = { image: image("cluster"), pullPolicy: policy("cluster") };
  const sandboxImage = image("sandbox");
  const ownSandbox = (pullPolicy?: PullPolicy) => ensureSandboxImage(docker.cli, { pullPolicy });
  const ownProvisioner = (pullPolicy?: PullPolicy) => ensureProvisionerImage(docker.cli, { pullPolicy });
  const resolved = {
    nodeImage: { requested: node.image, ...(await ensureNodeImage(docker, node)) },
    sandboxImage: {
      requested: sandboxImage,
      ...(await provideImage(docker, "sandbox", sandboxImage, policy("sandbox"), ownSandbox)),
    },
    // After the other: both stand on one base.
    ...(configured(document, "provisioner", "enabled") === true
      ? {
          provisionerImage: {
            requested: image("provisioner"),
            ...(await provideImage(
              docker,
              "provisioner",
              image("provisioner"),
              policy("provisioner"),
              ownProvisioner,
            )),
          },
        }
      : {}),
  };
  const file = join(stack.dir, "resolved.json");
  writeFileSync(`${file}.new`, `${JSON.stringify(resolved, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** The image that is asked for, pulled if need be, or the one of this repository. */
async function provideImage(
  docker: DockerEngine,
  what: string,
  image: string | undefined,
  policy: PullPolicy = "IfNotPresent",
  build: (policy: PullPolicy) => Promise<{ ref: string }>,
): Promise<{ ref: string }> {
  if (image === undefined) return build(policy);
  if (image.includes("@")) return { ref: image }; // the node pulls it itself
  if (await tryPull(docker.cli, image, policy)) return { ref: image };
  throw new UserError(
    `The ${what} image ${image} is not on the Docker engine and ${policy === "Never" ? "must not" : "cannot"} be pulled.`,
    "Load it (docker load, docker pull), name another, or leave it out: then this repository's own is built.",
  );
}
