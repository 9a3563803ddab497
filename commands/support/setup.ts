// Sets up what a command needs: Docker, the Pulumi engine and its plugins, the images. What is there is used as it is.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ensureDocker, type DockerEngine } from "@sandlot/toolchain/docker-engine/index.js";
import { tryPull } from "@sandlot/toolchain/docker-images.js";
import { UserError } from "@sandlot/toolchain/errors.js";
import { ensureNodeImage, type PullPolicy } from "@sandlot/toolchain/node-image/build.js";
import { installPluginStandIn } from "@sandlot/toolchain/plugins/install.js";
import { ensurePlugins, ensurePulumi, pulumiEnv } from "@sandlot/toolchain/pulumi-engine/index.js";
import { ensureSandboxImage } from "@sandlot/toolchain/sandbox-image/build.js";

import { configured, readWritten, type Stack } from "./stack-file.js";

/** What commands run with: the environment for `docker` and `pulumi`. */
export interface Setup {
  readonly docker: DockerEngine;
  readonly env: NodeJS.ProcessEnv;
}

/** Docker, the engine and its plugins. */
export async function setUpEngine(): Promise<Setup> {
  const [docker, pulumi] = await Promise.all([ensureDocker(), ensurePulumi()]);
  await ensurePlugins(pulumi.home, installPluginStandIn);
  const dockerHost = docker.host === "" ? {} : { DOCKER_HOST: docker.host };
  return { docker, env: { ...pulumiEnv(pulumi), ...dockerHost } };
}

/** Everything that an update of `stack` needs, its images included. */
export async function setUp(stack: Stack): Promise<Setup> {
  const setup = await setUpEngine();
  await setUpImages(stack, setup.docker);
  return setup;
}

/** Finds, pulls or builds the images that `stack` uses, and notes them for the program (infra/resolved.ts). */
async function setUpImages(stack: Stack, docker: DockerEngine): Promise<void> {
  const document = readWritten(stack);
  const image = (key: string): string | undefined => configured(document, key, "image") as string | undefined;
  const policy = (key: string): PullPolicy | undefined =>
    configured(document, key, "imagePullPolicy") as PullPolicy | undefined;
  const node = { image: image("cluster"), pullPolicy: policy("cluster") };
  const sandboxImage = image("sandbox");
  const resolved = {
    nodeImage: { requested: node.image, ...(await ensureNodeImage(docker, node)) },
    sandboxImage: {
      requested: sandboxImage,
      ...(await provideSandboxImage(docker, sandboxImage, policy("sandbox"))),
    },
  };
  const file = join(stack.dir, "resolved.json");
  writeFileSync(`${file}.new`, `${JSON.stringify(resolved, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** The image that is asked for, pulled if need be, or the one of this repository. */
async function provideSandboxImage(
  docker: DockerEngine,
  image: string | undefined,
  policy: PullPolicy = "IfNotPresent",
): Promise<{ ref: string }> {
  if (image === undefined) return ensureSandboxImage(docker.cli, { pullPolicy: policy });
  if (image.includes("@")) return { ref: image }; // the node pulls it itself
  if (await tryPull(docker.cli, image, policy)) return { ref: image };
  throw new UserError(
    `The sandbox image ${image} is not on the Docker engine and ${policy === "Never" ? "must not" : "cannot"} be pulled.`,
    "Load it (docker load, docker pull), name another, or leave it out: then this repository's own is built.",
  );
}
