// k3s' own image has no gVisor: this puts it in, as a layer on top.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

import { execa } from "execa";

import { contentKey, listFiles } from "../cache.js";
import { imagePresent } from "../docker-images.js";
import { cacheRoot, projectRoot } from "../paths.js";
import { step } from "../progress.js";
import { run } from "../run.js";
import { gvisorFolder, gvisorPrograms } from "./gvisor-programs.js";
import { moduleSources, nodeImageSources } from "./programs.js";

const context = join(projectRoot, "images/node");

/** The label of images that have gVisor. */
export const gvisorLabel = "sandlot.dev/gvisor";

/** Whether an image on the engine says that it has gVisor. */
export async function hasGvisor(dockerCli: string, ref: string): Promise<boolean> {
  const format = `{{index .Config.Labels "${gvisorLabel}"}}`;
  const result = await execa(dockerCli, ["image", "inspect", "--format", format, ref], { reject: false });
  return result.stdout.trim() === "true";
}

/**
 * Makes `sandlot/node:<key>` from `base`, which the engine has, and gVisor; at once if it is there already.
 * @throws UserError when gVisor cannot be had or the engine refuses the build.
 */
export async function layerGvisor(dockerCli: string, base: string): Promise<string> {
  const format = "{{.Id}} {{.Architecture}}";
  const { stdout } = await execa(dockerCli, ["image", "inspect", "--format", format, base]);
  const [baseId = "", architecture] = stdout.trim().split(" ");
  const key = contentKey({
    strings: [baseId],
    files: [...listFiles(context), ...moduleSources("gvisor"), join(nodeImageSources, "gvisor-programs.ts")],
    root: projectRoot,
  });
  const ref = `sandlot/node:${key}`;
  if (await imagePresent(dockerCli, ref)) return ref;
  const programs = await gvisorFolder(architecture);
  await step(`node image: gVisor on ${base}`, async (progress) => {
    mkdirSync(cacheRoot(), { recursive: true });
    const work = mkdtempSync(join(cacheRoot(), ".node-layer-"));
    try {
      for (const path of listFiles(context)) copyFileSync(path, join(work, path.slice(context.length + 1)));
      for (const name of gvisorPrograms) copyFileSync(join(programs, name), join(work, name));
      const args = ["build", "--build-arg", `BASE=${base}`, "--tag", ref, work];
      await run(dockerCli, args, { log: "node-image", progress });
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
  return ref;
}
