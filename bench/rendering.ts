// A stack of stacks/ as one that renders YAML, with state of its own: the engine does all that it does for a cluster, without one, and
// nothing of this checkout's is touched.
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { projectRoot } from "@sandlot/toolchain/paths.js";
import { run } from "@sandlot/toolchain/run.js";
import type { Document } from "yaml";

import { configured } from "../commands/support/configured.js";
import { mergePatch } from "../commands/support/overlay.js";
import { policyArguments } from "../commands/support/policies.js";
import type { EngineEnvironment } from "../commands/support/pulumi.js";
import { setUpEngine } from "../commands/support/setup.js";
import { readStackFile, writeStackFile, type Stack } from "../commands/support/stack-file.js";
import { targetKind } from "../commands/support/target.js";

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

/** A stack that is ready to be rendered. */
export interface Rendering {
  readonly stack: Stack;
  /** For calling `pulumi`. */
  readonly env: EngineEnvironment;
  /** What the engine is told of the policies: those of the stack as it is in `stacks/`. */
  readonly policies: readonly string[];
  /** Where its YAML is once it is up. */
  readonly directory: string;
}

/** Makes the stack `name`, of which nothing is up yet, in a new folder of `root`. */
export async function prepareRendering(root: string, name: string): Promise<Rendering> {
  const dir = join(root, "work", name);
  const directory = join(dir, "rendered");
  const state = join(dir, "state");
  mkdirSync(state, { recursive: true });
  const stack = { name, dir, file: join(dir, `Pulumi.${name}.yaml`) };
  const document = readStackFile(name);
  const policies = policyArguments(stack, document);
  mergePatch(document, renderPatch(document, directory));
  document.delete("encryptionsalt");
  writeStackFile({ stack, document });
  const { env: engine } = await setUpEngine(document);
  const env = {
    ...engine,
    PULUMI_BACKEND_URL: pathToFileURL(state).href,
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
  };
  await run("pulumi", ["-C", dir, "stack", "init", "--stack", name, "--non-interactive"], {
    env,
    log: "render",
  });
  return { stack, env, policies, directory };
}

/** Brings it up. @returns the YAML of all its objects */
export async function render({ stack, env, directory }: Rendering): Promise<string> {
  const where = ["--stack", stack.name, "--config-file", stack.file];
  await run(
    "pulumi",
    ["up", "--yes", "--skip-preview", "--suppress-progress", "--non-interactive", ...where],
    {
      cwd: projectRoot,
      env,
      log: "render",
    },
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
