// The provisioner's image: named after the content of everything that goes into it, built only when it is missing.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { contentKey } from "../cache.js";
import { buildImage } from "../docker-build.js";
import { imagePresent, type PullPolicy } from "../docker-images.js";
import { projectRoot } from "../paths.js";
import { step } from "../progress.js";
import { ensureBase } from "../sandbox-image/base.js";
import { bundle, source } from "./bundle.js";

const dockerfile = join(projectRoot, "images/provisioner/Dockerfile");

/** The files that decide what the image is. The lockfile stands for all packages that are bundled. */
function sources(): string[] {
  const build = ["provisioner-image/bundle.ts", "sandbox-image/base.ts"].map((name) =>
    join(projectRoot, "toolchain", name),
  );
  const project = ["package-lock.json", "tsconfig.json"].map((name) => join(projectRoot, name));
  return [source, dockerfile, ...build, ...project];
}

let known: string | undefined;

/**
 * The name of the provisioner's image of this checkout, `sandlot/provisioner:<content key>`. Asks no engine and no network;
 * the files are read once in a process.
 */
export function provisionerImageRef(): string {
  known ??= `sandlot/provisioner:${contentKey({ files: sources(), root: projectRoot })}`;
  return known;
}

/** How {@link ensureProvisionerImage} comes by what the image is built from. */
export interface ProvisionerImageOptions {
  /**
   * When the base image is pulled.
   * @default "IfNotPresent"
   */
  pullPolicy?: PullPolicy;
}

/**
 * Makes sure that the engine behind `dockerCli` has the provisioner's image, and returns its name.
 * @throws UserError when the engine does not answer or the build fails.
 */
export async function ensureProvisionerImage(
  dockerCli: string,
  { pullPolicy }: ProvisionerImageOptions = {},
): Promise<{ ref: string }> {
  const ref = provisionerImageRef();
  if (await imagePresent(dockerCli, ref)) return { ref };
  const base = await ensureBase(dockerCli, pullPolicy);
  await step(`Build the image ${ref}`, async (progress) => {
    const context = mkdtempSync(join(tmpdir(), "sandlot-image-"));
    try {
      copyFileSync(dockerfile, join(context, "Dockerfile"));
      await bundle(join(context, "app"));
      const log = "provisioner-image";
      await buildImage({
        ...{ dockerCli, ref, context, log, progress },
        kind: "provisioner",
        arguments: { BASE: base },
      });
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
  });
  return { ref };
}
