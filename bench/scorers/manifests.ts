// The YAML of every stack, as the engine renders it, for programs that read manifests.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { step } from "@sandlot/toolchain/progress.js";
import { parseAllDocuments } from "yaml";

import { stacksToPreview } from "../../commands/support/previewable.js";
import type { Cleanup } from "../cleanup.js";
import { prepareRendering, render } from "../rendering.js";

/** A plain deployment, as a tutorial would write it. */
export const referenceFile = join(dirname(fileURLToPath(import.meta.url)), "reference.yaml");

/** Manifests, in two ways. */
export interface Manifests {
  /** `reference`, or the stack's name. */
  readonly name: string;
  /** With a file for each object, named after it: `Deployment-sandbox.yaml`. */
  readonly folder: string;
  /** With all of them. */
  readonly file: string;
}

/** The reference's manifests and those of every lasting stack, in a folder that is removed in the end. */
export async function renderManifests(cleanup: Cleanup): Promise<Manifests[]> {
  const root = cleanup.folder("sandlot-scores-");
  const manifests = [write(root, "reference", readFileSync(referenceFile, "utf8"))];
  for (const { name } of stacksToPreview()) {
    const text = await step(`Stack ${name}: render`, async () => render(await prepareRendering(root, name)));
    manifests.push(write(root, name, text));
  }
  return manifests;
}

function write(root: string, name: string, text: string): Manifests {
  const folder = join(root, name);
  mkdirSync(folder);
  for (const document of parseAllDocuments(text)) {
    const { kind, metadata } = document.toJS() as { kind: string; metadata: { name: string } };
    writeFileSync(join(folder, `${kind}-${metadata.name}.yaml`), String(document));
  }
  const file = join(root, `${name}.yaml`);
  writeFileSync(file, text);
  return { name, folder, file };
}
