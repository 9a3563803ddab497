// Which stacks can be previewed here: those of stacks/ whose cluster, if they have one already, can be reached from here.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { pathFrom, projectRoot } from "@sandlot/toolchain/paths.js";
import type { Document } from "yaml";

import { configured } from "./configured.js";
import { passingStacks, readStackFile, stackOf } from "./stack-file.js";
import { hasState } from "./state.js";
import { targetKind } from "./target.js";
import { variables } from "./variables.js";

/** A stack of stacks/. */
export interface StackChoice {
  readonly name: string;
  /** Why it cannot be previewed here; undefined when it can. */
  readonly obstacle: string | undefined;
}

/** The lasting stacks of stacks/, by name. */
export function stacksToPreview(env: NodeJS.ProcessEnv = process.env): StackChoice[] {
  const names = readdirSync(join(projectRoot, "stacks")).flatMap(
    (file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [],
  );
  return names
    .filter((name) => variables.STACK.pattern.test(name) && !passingStacks.includes(name))
    .sort()
    .map((name) => ({ name, obstacle: obstacleTo(readStackFile(name), hasState(stackOf(name)), env) }));
}

/**
 * What a preview of a stack lacks here: an existing cluster's kubeconfig, or the key to it.
 * @param isDeployedHere whether this checkout has the stack's state, and so had the key
 */
export function obstacleTo(
  document: Document,
  isDeployedHere: boolean,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (targetKind(document) !== "existing") return undefined;
  const path = configured(document, "target", "kubeconfigPath");
  if (typeof path === "string") {
    return existsSync(pathFrom(path))
      ? undefined
      : "its kubeconfig (target.kubeconfigPath) is not on this machine";
  }
  if (configured(document, "target", "kubeconfig") === undefined)
    return "it has no kubeconfig yet (target.kubeconfig)";
  const hasKey =
    // A workflow without that secret sets the variable to nothing.
    (env["PULUMI_CONFIG_PASSPHRASE"] ?? "") !== "" ||
    (env["PULUMI_CONFIG_PASSPHRASE_FILE"] ?? "") !== "" ||
    isDeployedHere;
  return hasKey ? undefined : "the passphrase of its secrets (PULUMI_CONFIG_PASSPHRASE) is not here";
}
