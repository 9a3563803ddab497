// CONFIG: a file laid over a stack's file for one run, as a JSON merge patch (RFC 7396): what it names takes the place of
// what was there, objects are merged, and null takes away.
import { readFileSync, statSync } from "node:fs";

import { UserError } from "@sandlot/toolchain/errors.js";
import { pathFrom } from "@sandlot/toolchain/paths.js";
import { isMap, parseDocument, type Document } from "yaml";

/** Lays the file at `path`, as a person wrote it, over `document`. @throws UserError if it is no stack file. */
export function applyOverlay(document: Document, path: string): void {
  const file = pathFrom(path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    throw new UserError(
      `CONFIG is ${path}, but ${found === undefined ? `there is no file ${file}` : `${file} is no file`}.`,
      "Name a file, absolute, in your home folder (~/…) or relative to the project.",
    );
  }
  const overlay = parseDocument(readFileSync(file, "utf8"));
  const [mistake] = overlay.errors;
  const values: unknown = mistake === undefined ? overlay.toJS() : undefined;
  if (!isObject(values) || !isObject(values["config"])) {
    throw new UserError(
      `${file} is not a stack's file: ${mistake?.message ?? "it has no config"}.`,
      "Write it like one in stacks/, with the settings that differ: config, and below it keys such as sandlot:sandbox.",
    );
  }
  mergePatch(document, values);
}

/** Applies a merge patch at `path` of a document; what it does not name keeps its place and comments. */
export function mergePatch(
  document: Document,
  patch: Readonly<Record<string, unknown>>,
  path: string[] = [],
): void {
  for (const [key, value] of Object.entries(patch)) {
    const here = [...path, key];
    if (value === null) {
      document.deleteIn(here);
    } else if (isObject(value)) {
      if (!isMap(document.getIn(here))) document.setIn(here, document.createNode({}));
      mergePatch(document, value, here);
    } else {
      document.setIn(here, document.createNode(value));
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
