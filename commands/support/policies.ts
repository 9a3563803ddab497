// How the engine is told of the policies, for every command that has them checked.
import { existsSync } from "node:fs";
import { join } from "node:path";

import { projectRoot } from "@sandlot/toolchain/paths.js";

import { readWritten, type Stack } from "./stack-file.js";
import { targetKind } from "./target.js";

const pack = join(projectRoot, "policies");

/** The arguments that have a preview or an update of a stack held against the policies, as its environment configures them. */
export function policyArguments(stack: Stack): string[] {
  return ["--policy-pack", pack, "--policy-pack-config", policyConfig(stack)];
}

/**
 * The configuration of the policies for a stack whose file is written: that of its own name if there is one; that of development
 * for a cluster in a container; that of production for everything else.
 */
export function policyConfig(stack: Stack): string {
  const file = (name: string): string => join(pack, "config", `${name}.json`);
  if (existsSync(file(stack.name))) return file(stack.name);
  return file(targetKind(readWritten(stack)) === "container" ? "development" : "production");
}
