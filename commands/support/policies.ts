// How the engine is told of the policies, for every command that has them checked.
import { existsSync } from "node:fs";
import { join } from "node:path";

import { projectRoot } from "@sandlot/toolchain/paths.js";
import type { Document } from "yaml";

import { readWritten, type Stack } from "./stack-file.js";
import { targetKind } from "./target.js";

const pack = join(projectRoot, "policies");

/** The arguments that have a preview or an update of a stack held against the policies, as its environment configures them. */
export function policyArguments(stack: Stack, document?: Document): string[] {
  return ["--policy-pack", pack, "--policy-pack-config", policyConfig(stack, document)];
}

/**
 * The configuration of the policies for a stack: that of its own name if there is one; that of development for a cluster in a
 * container; that of production for everything else.
 * @param document the stack's file, by default what is written of it
 */
export function policyConfig(stack: Stack, document?: Document): string {
  const file = (name: string): string => join(pack, "config", `${name}.json`);
  if (existsSync(file(stack.name))) return file(stack.name);
  return file(targetKind(document ?? readWritten(stack)) === "container" ? "development" : "production");
}
