// The YAML of every stack, as the engine renders it, for programs that read manifests.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { projectRoot } from "@sandlot/toolchain/paths.js";
import { step } from "@sandlot/toolchain/progress.js";
import { run } from "@sandlot/toolchain/run.js";
import { parseAllDocuments, type Document } from "yaml";

import { configured } from "../../commands/support/configured.js";
import { mergePatch } from "../../commands/support/overlay.js";
import { stacksToPreview } from "../../commands/support/previewable.js";
import { setUpEngine } from "../../commands/support/setup.js";
import { readStackFile, writeStackFile } from "../../commands/support/stack-file.js";
import { targetKind } from "../../commands/support/target.js";
import type { Cleanup } from "../cleanup.js";

/** Manifests, in two ways. */
export interface Manifests {
  /** `reference`, or the stack's name. */
  readonly name: string;
  /** With a file for each object, named after it: `Deployment-sandbox.yaml`. */
  readonly folder: string;
  /** With all of them. */
  readonly file: string;
}

/** Stands for an image that a stack's file leaves to whoever uses it. Its digest is no image's. */
const imageOf = (what: string): string => `registry.example.com/team/${what}@sha256:${"0".repeat(64)}`;

/**
 * What makes a stack one that renders: another target, without what belongs to the one that it has.
 * @param directory where it renders to
 */
export function renderPatch(document: Document, directory: string): Record<string, unknown> {
  const kind = targetKind(document);
  const unless = (there: boolean, patch: object): object => (there ? {} : patch);
  const has = (...path: [string, string]): boolean => configured(document, ...path) !== undefined;
  return {
    config: {
      "kubernetes:strictMode": null,
      "sandlot:target": {
        kind: "render",
        directory,
        kubeconfig: null,
        kubeconfigPath: null,
        context: null,
        clusterIdentifier: null,
      },
      "sandlot:sandbox": {
        ...unless(has("sandbox", "image"), { image: imageOf("sandbox") }),
        ...unless(kind !== "container", { hostPort: null }),
      },
      ...unless(configured(document, "provisioner", "enabled") !== true, {
        "sandlot:provisioner": {
          ...unless(has("provisioner", "image"), { image: imageOf("provisioner") }),
          // Keys would be in the files in clear.
          ...unless(has("provisioner", "existingSecret"), { existingSecret: "provisioner-keys" }),
          ...unless(kind !== "container", { hostPort: null }),
        },
      }),
      ...unless(kind !== "container", { "sandlot:cluster": null, "sandlot:skills": null }),
    },
  };
}

/** The reference's manifests and those of every lasting stack, in a folder that is removed in the end. */
export async function renderManifests(cleanup: Cleanup): Promise<Manifests[]> {
  const root = mkdtempSync(join(tmpdir(), "sandlot-scores-"));
  cleanup.add(`The folder ${root}`, () => {
    rmSync(root, { recursive: true, force: true });
    return Promise.resolve();
  });
  const reference = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "reference.yaml"), "utf8");
  const manifests = [write(root, "reference", reference)];
  for (const { name } of stacksToPreview()) {
    const text = await step(`Stack ${name}: render`, () => render(root, name));
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

/** Renders a stack with state of its own, so that nothing of this checkout's is touched. */
async function render(root: string, name: string): Promise<string> {
  const dir = join(root, "work", name);
  const directory = join(dir, "rendered");
  const state = join(dir, "state");
  mkdirSync(state, { recursive: true });
  const stack = { name, dir, file: join(dir, `Pulumi.${name}.yaml`) };
  const document = readStackFile(name);
  mergePatch(document, renderPatch(document, directory));
  document.delete("encryptionsalt");
  writeStackFile({ stack, document });
  const { env: engine } = await setUpEngine(document);
  const env = {
    ...engine,
    PULUMI_BACKEND_URL: pathToFileURL(state).href,
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
  };
  const quiet = ["--stack", name, "--non-interactive"];
  await run("pulumi", ["-C", dir, "stack", "init", ...quiet], { env, log: "scores" });
  await run(
    "pulumi",
    ["up", "--yes", "--skip-preview", "--config-file", stack.file, "--suppress-progress", ...quiet],
    { cwd: projectRoot, env, log: "scores" },
  );
  return ["0-crd", "1-manifest"]
    .map((part) => join(directory, part))
    .flatMap((folder) =>
      readdirSync(folder)
        .sort()
        .map((file) => readFileSync(join(folder, file), "utf8")),
    )
    .map((text) => `---\n${text.trim()}\n`)
    .join("");
}
