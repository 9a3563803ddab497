// Reads single values of a stack file's configuration, before the program checks it as a whole.
import type { Document } from "yaml";

/** One value of a stack file's configuration, such as `configured(doc, "cluster", "apiPort")`. */
export function configured(document: Document, key: string, ...path: string[]): unknown {
  return document.getIn(["config", `sandlot:${key}`, ...path]);
}
