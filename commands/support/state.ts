// The engine's state file of a stack: what was deployed, as far as it is read without the engine.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { stateDir } from "@sandlot/toolchain/paths.js";

import { projectName, type Stack } from "./stack-file.js";

/** A resource in the state; `created` is in RFC 3339, and absent for one that was only read. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly created?: string;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** The part of the file that is read here. */
interface StateFile {
  readonly checkpoint: { readonly latest?: { readonly resources?: readonly StateResource[] } };
}

/** The file that holds the stack's state. */
export function statePath(stack: Stack): string {
  return join(stateDir, "state", ".pulumi", "stacks", projectName, `${stack.name}.json`);
}

/** Whether the stack has state, that is: `make up` was run and `make down` was not. */
export function hasState(stack: Stack): boolean {
  return existsSync(statePath(stack));
}

/** What the stack's state holds; nothing where it has none. */
export function readState(stack: Stack): readonly StateResource[] {
  if (!hasState(stack)) return [];
  const state = JSON.parse(readFileSync(statePath(stack), "utf8")) as StateFile;
  return state.checkpoint.latest?.resources ?? [];
}

/** A resource as people know it: `Deployment sandlot/sandbox`. */
export function describeResource({ urn, type, id }: Pick<StateResource, "urn" | "type" | "id">): string {
  return `${type.split(":").at(-1) ?? type} ${id ?? urn.split("::").at(-1) ?? urn}`;
}
