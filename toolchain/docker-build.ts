// Builds an image of ours from a Dockerfile and the few files that it copies.
import { execa } from "execa";

import type { Progress } from "./progress.js";
import { run } from "./run.js";

/** What to build. */
export interface ImageBuild {
  readonly dockerCli: string;
  /** What the image will be called. */
  readonly ref: string;
  /** A folder with the Dockerfile and what it copies, and nothing else: no other file of the checkout leaks into the image. */
  readonly context: string;
  readonly arguments: Readonly<Record<string, string>>;
  /** The image's label `sandlot.dev/image`. */
  readonly kind: string;
  /** The name of the log file. */
  readonly log: string;
  readonly progress: Progress;
}

/** Builds the image. @throws UserError when the build fails. */
export async function buildImage(build: ImageBuild): Promise<void> {
  const { dockerCli, ref, context, kind, log, progress } = build;
  const env = { DOCKER_BUILDKIT: (await hasBuildx(dockerCli)) ? "1" : "0" };
  const given = Object.entries(build.arguments).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  const args = ["build", "--tag", ref, ...given, "--label", `sandlot.dev/image=${kind}`, context];
  await run(dockerCli, args, { env, log, progress });
}

/** The classic builder is gone from newer engines and BuildKit needs a plugin that older packages do not bring. */
async function hasBuildx(dockerCli: string): Promise<boolean> {
  return !(await execa(dockerCli, ["buildx", "version"], { reject: false })).failed;
}
