// Writes a container image of a single program as an archive that `docker load` and containerd understand, without an
// engine: https://github.com/moby/docker-image-spec, "Combined Image JSON + Filesystem Changeset Format".
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

/** Image architectures by Node's names for them. */
const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** What a {@link writeProgramImage} image is made of. */
export interface ProgramImage {
  /** The program's path on this machine; a static binary. Its name is the entry point's. */
  program: string;
  name: string;
  /** Reference that the image gets, with a tag. */
  reference: string;
}

/** Writes the archive to `path`. The same program gives the same bytes. */
export async function writeProgramImage(image: ProgramImage, path: string): Promise<void> {
  const work = mkdtempSync(`${path}.`);
  try {
    const root = join(work, "root");
    mkdirSync(root);
    copyFileSync(image.program, join(root, image.name));
    await tar(root, join(work, "layer.tar"), [image.name]);
    const layer = createHash("sha256")
      .update(readFileSync(join(work, "layer.tar")))
      .digest("hex");
    const config = JSON.stringify({
      architecture: architectures[process.arch] ?? process.arch,
      os: "linux",
      config: { Entrypoint: [`/${image.name}`] },
      rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    });
    const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
    writeFileSync(join(work, configName), config);
    writeFileSync(
      join(work, "manifest.json"),
      JSON.stringify([{ Config: configName, RepoTags: [image.reference], Layers: ["layer.tar"] }]),
    );
    await tar(work, path, ["manifest.json", configName, "layer.tar"]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function tar(dir: string, archive: string, names: readonly string[]): Promise<void> {
  const reproducible = ["--numeric-owner", "--owner=0", "--group=0", "--mtime=@0", "--mode=a+rx"];
  await execa("tar", ["-C", dir, ...reproducible, "-cf", archive, ...names]);
}
