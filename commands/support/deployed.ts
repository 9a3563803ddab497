// What commands that ask a running stack begin with: is there such a stack, does it go to a cluster, is it up?
import type { Document } from "yaml";

import { readOutputs, type StackOutputs } from "./outputs.js";
import { lastStackFile, type Stack } from "./stack-file.js";
import { refuseRendered } from "./target.js";
import type { Variables } from "./variables.js";

/** A stack that is up. */
export interface DeployedStack {
  readonly stack: Stack;
  /** The configuration of the last run. */
  readonly document: Document;
  readonly outputs: StackOutputs;
}

/**
 * The stack that `make <command>` is to ask.
 * @throws UserError when there is no such stack, when it only renders YAML, and when it is not up.
 */
export function deployedStack(given: Variables, command: string): DeployedStack {
  const { stack, document } = lastStackFile(given);
  refuseRendered(document, stack, command);
  return { stack, document, outputs: readOutputs(stack) };
}
