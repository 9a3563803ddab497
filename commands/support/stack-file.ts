// The configuration of one run: the stack's file in stacks/, with CONFIG and the make variables of this run on top. It is
// written beside the stack's state, so that the engine's own additions (encryptionsalt) never show up as changes in git.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot, stateDir } from "@sandlot/toolchain/paths.js";
import { isMap, parseDocument, type Document } from "yaml";

import { applyOverlay } from "./overlay.js";
import { refuseContainerVariables, targetKind } from "./target.js";
import {
  didYouMean,
  isSet,
  variables,
  type Variable,
  type VariableName,
  type Variables,
} from "./variables.js";

/** A stack's name, its folder of local state and the configuration file that the engine is given. */
export interface Stack {
  readonly name: string;
  readonly dir: string;
  readonly file: string;
}

export const defaultStack = "dev";

/** Stacks that `make test` makes for itself and takes down again. */
export const testStacks: readonly string[] = ["test", "nodes"];

/** The same, with that of `make bench`. */
export const passingStacks: readonly string[] = [...testStacks, "bench"];

/** The Pulumi project's name, as Pulumi.yaml has it. */
export const projectName = "sandlot";

const stacksDir = join(projectRoot, "stacks");

/** A stack's local paths; nothing is read or written. */
export function stackOf(name: string = defaultStack): Stack {
  const dir = join(stateDir, "stacks", name);
  return { name, dir, file: join(dir, `Pulumi.${name}.yaml`) };
}

/** The file in stacks/ that describes the stack `name`. @throws UserError that lists the stacks there are. */
export function stackSource(name: string): string {
  const source = join(stacksDir, `Pulumi.${name}.yaml`);
  if (existsSync(source)) return source;
  const names = readdirSync(stacksDir).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
  throw new UserError(
    `There is no stack ${name} (${source}).${didYouMean(name, names)}`,
    `Stacks here: ${names.sort().join(", ")}. Give one as STACK=…`,
  );
}

/** The stack file of `name` as it stands in stacks/. @throws UserError if there is none, or it is none. */
export function readStackFile(name: string): Document.Parsed {
  const source = stackSource(name);
  const document = parseDocument(readFileSync(source, "utf8"));
  const [mistake] = document.errors;
  if (mistake !== undefined) {
    throw new UserError(
      `${source} is not valid YAML: ${mistake.message}`,
      "Correct the file and run the command again.",
    );
  }
  const config: unknown = document.get("config");
  if (config !== undefined && !isMap(config)) {
    throw new UserError(
      `${source}: config is ${JSON.stringify(config)}; allowed: settings, each in a line such as sandlot:sandbox:`,
      "Correct the file, as in stacks/Pulumi.dev.yaml, and run the command again.",
    );
  }
  return document;
}

/** Puts the make variables that stand for configuration into `document`. */
export function applyVariables(document: Document, given: Variables): void {
  if (!isMap(document.contents)) document.contents = document.createNode({});
  const set = (path: readonly string[], value: unknown): void => {
    for (let length = 1; length < path.length; length++) makeMap(document, path.slice(0, length));
    document.setIn(path, value);
  };
  for (const [name, text] of Object.entries(given) as [VariableName, string][]) {
    const variable: Variable = variables[name];
    if (variable.config === undefined) continue;
    const [key, ...rest] = variable.config;
    set(["config", `sandlot:${key}`, ...rest], variable.decode?.(text) ?? text);
  }
  if (given.ONLY === "cluster") set(["config", "sandlot:platform"], false);
  if (isSet(given.SKIP_PULL)) {
    const images = ["sandbox", ...(document.hasIn(["config", "sandlot:provisioner"]) ? ["provisioner"] : [])];
    for (const key of targetKind(document) === "container" ? ["cluster", ...images] : images)
      set(["config", `sandlot:${key}`, "imagePullPolicy"], "Never");
  }
}

/** Makes sure that settings can be put under `path`: a key whose settings are all commented out has none. */
function makeMap(document: Document, path: readonly string[]): void {
  const value: unknown = document.getIn(path);
  if (isMap(value)) return;
  if (value === undefined || value === null) {
    document.setIn(path, document.createNode({}));
    return;
  }
  throw new UserError(
    `${path.slice(1).join(".")} is ${JSON.stringify(value)}; allowed: an object.`,
    "Correct the stack's file in stacks/. docs/configuration.md has every setting.",
  );
}

/** A stack and its configuration of one run. */
export interface ComposedStack {
  readonly stack: Stack;
  readonly document: Document;
}

/** The configuration of this run, not yet written. @throws UserError when there is no such stack. */
export function composeStackFile(given: Variables): ComposedStack {
  const stack = stackOf(given.STACK);
  const document = readStackFile(stack.name);
  if (given.CONFIG !== undefined) applyOverlay(document, given.CONFIG);
  refuseContainerVariables(document, stack, given);
  applyVariables(document, given);
  const salt = existsSync(stack.file)
    ? parseDocument(readFileSync(stack.file, "utf8")).get("encryptionsalt")
    : undefined;
  if (salt !== undefined && !document.has("encryptionsalt")) document.set("encryptionsalt", salt);
  return { stack, document };
}

/** Writes the configuration of this run, where the engine is told to find it. */
export function writeStackFile({ stack, document }: ComposedStack): void {
  mkdirSync(stack.dir, { recursive: true });
  // A project without a program, for the engine's commands that need none.
  writeFileSync(join(stack.dir, "Pulumi.yaml"), `name: ${projectName}\nruntime: nodejs\n`);
  writeFileSync(`${stack.file}.new`, String(document), { mode: 0o600 });
  renameSync(`${stack.file}.new`, stack.file);
}

/** The configuration that {@link writeStackFile} wrote. */
export function readWritten(stack: Stack): Document.Parsed {
  return parseDocument(readFileSync(stack.file, "utf8"));
}

/** The configuration of the last run, whatever it was given; that of this run, not yet written, where there was none. */
export function lastStackFile(given: Variables): ComposedStack {
  const stack = stackOf(given.STACK);
  return existsSync(stack.file) ? { stack, document: readWritten(stack) } : composeStackFile(given);
}
