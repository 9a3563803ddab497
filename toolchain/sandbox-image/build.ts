// The sandbox image: named after the content of everything that goes into it, built only when it is missing.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { contentKey, listFiles } from "../cache.js";
import { buildImage } from "../docker-build.js";
import { imagePresent, type PullPolicy } from "../docker-images.js";
import { UserError } from "../errors.js";
import { projectRoot } from "../paths.js";
import { step } from "../progress.js";
import { buildSandboxd } from "./binary.js";
import { ensureBase } from "./base.js";

const dockerfile = join(projectRoot, "images/sandbox/Dockerfile");

/** The source files that decide what the image is; tests are not among them. */
function sources(): string[] {
  const go = listFiles(join(projectRoot, "sandboxd")).filter((path) => !/_test\.go$|\.md$/.test(path));
  const build = ["base.ts", "binary.ts"].map((name) => join(projectRoot, "toolchain/sandbox-image", name));
  return [...go, dockerfile, ...build];
}

let known: string | undefined;

/**
 * The name of the sandbox image of this checkout, `sandlot/sandbox:<content key>`. Asks no engine and no network; the
 * files are read once in a process.
 */
export function sandboxImageRef(): string {
  known ??= `sandlot/sandbox:${contentKey({ files: sources(), root: projectRoot })}`;
  return known;
}

/** How {@link ensureSandboxImage} comes by what the image is built from. */
export interface SandboxImageOptions {
  /**
   * When the base image is pulled, and the image with Go if that is needed.
   * @default "IfNotPresent"
   */
  pullPolicy?: PullPolicy;
}

/**
 * Makes sure that the engine behind `dockerCli` has the sandbox image, and returns its name.
 * @throws UserError when the engine does not answer or the build fails.
 */
export async function ensureSandboxImage(
  dockerCli: string,
  { pullPolicy }: SandboxImageOptions = {},
): Promise<{ ref: string }> {
  const ref = sandboxImageRef();
  if (await imagePresent(dockerCli, ref)) return { ref };
  const architecture = await engineArchitecture(dockerCli);
  const [base, binary] = await Promise.all([
    ensureBase(dockerCli, pullPolicy),
    buildSandboxd({ architecture, dockerCli, pullPolicy }),
  ]);
  await step(`Build the image ${ref}`, async (progress) => {
    const context = mkdtempSync(join(tmpdir(), "sandlot-image-"));
    try {
      copyFileSync(binary, join(context, "sandboxd"));
      copyFileSync(dockerfile, join(context, "Dockerfile"));
      const log = "sandbox-image";
      const kind = "sandbox";
      await buildImage({ ...{ dockerCli, ref, context, kind, log, progress }, arguments: { BASE: base } });
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
  });
  return { ref };
}

/** The processor of the engine's machine, by Docker's name. */
async function engineArchitecture(dockerCli: string): Promise<string> {
  const result = await execa(dockerCli, ["version", "--format", "{{.Server.Arch}}"], {
    reject: false,
    timeout: 20_000,
  });
  if (!result.failed) return result.stdout.trim();
  throw new UserError(
    `No docker engine answers ${dockerCli}: ${result.stderr.trim().split("\n").at(-1) ?? ""}`,
    "Start the docker engine, or set DOCKER_HOST to one that runs, and run the command again",
  );
}
