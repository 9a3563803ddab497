// The folder of a stack that is rendered to YAML files. It is written from nothing each time, so that it holds what
// configuration says and nothing else: the engine alone would neither miss a deleted file nor mend an edited one.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import type { Document } from "yaml";

import { configured } from "./configured.js";
import { initStack, stackCommand, type EngineEnvironment } from "./pulumi.js";
import type { Stack } from "./stack-file.js";

/** What the Kubernetes plugin makes in the folder (renderYaml in provider/pkg/provider/provider.go of pulumi-kubernetes). */
const rendered = ["0-crd", "1-manifest"];

/** Deletes what an earlier rendering left. @throws UserError when the folder holds anything else. */
export function emptyRendered(document: Document): void {
  const directory = configured(document, "target", "directory");
  if (typeof directory !== "string") return; // The program says what is missing.
  const folder = resolve(projectRoot, directory);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return;
  const foreign = found.isDirectory()
    ? readdirSync(folder).filter((name) => !rendered.includes(name))
    : [folder];
  if (foreign.length > 0) {
    throw new UserError(
      `The folder to render into, ${folder}, holds something else: ${foreign.slice(0, 5).join(", ")}.`,
      "Name a folder that is new or was rendered into before, as target.directory in the stack's file.",
    );
  }
  for (const name of rendered) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Lets the engine forget what it rendered, so that it writes every file. */
export async function forgetRendered(stack: Stack, env: EngineEnvironment): Promise<void> {
  await stackCommand(stack, ["stack", "rm", stack.name, "--force", "--preserve-config", "--yes"], env);
  await initStack(stack, env);
}
