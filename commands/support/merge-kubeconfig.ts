// Puts one context into the user's own kubeconfig and takes it out again; everything else in the file stays.
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { isMap, isSeq, parseDocument, type Document } from "yaml";

const kinds = ["clusters", "users", "contexts"] as const;

/** The file that kubectl would change: the first of KUBECONFIG, or ~/.kube/config. */
export function userKubeconfig(env: NodeJS.ProcessEnv = process.env): string {
  const first = env["KUBECONFIG"]?.split(delimiter).find((path) => path !== "");
  return first ?? join(homedir(), ".kube", "config");
}

/** The text of a kubeconfig; undefined for what is no file. One that is not there, or empty, has nothing in it yet. */
function textOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) return undefined;
  const text = found === undefined ? "" : readFileSync(path, "utf8");
  return text.trim() === "" ? "apiVersion: v1\nkind: Config\n" : text;
}

function read(path: string): Document {
  const document = parseDocument(textOf(path) ?? "");
  if (document.errors.length > 0 || !isMap(document.contents)) {
    throw new UserError(
      `${path} is not a kubeconfig.`,
      "Correct it, or name another file in KUBECONFIG. It was not changed.",
    );
  }
  return document;
}

function write(path: string, document: Document): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.sandlot`, String(document), { mode: 0o600 });
  renameSync(`${path}.sandlot`, path);
}

function drop(document: Document, name: string): boolean {
  let dropped = false;
  for (const kind of kinds) {
    const list = document.get(kind);
    if (!isSeq(list)) continue;
    const before = list.items.length;
    list.items = list.items.filter((item) => !(isMap(item) && item.get("name") === name));
    dropped ||= list.items.length < before;
  }
  return dropped;
}

/** Adds the only cluster, user and context of `source` to `target` as `name`, replacing what had that name. */
export function mergeContext(source: string, target: string, name: string): void {
  const from = parseDocument(readFileSync(source, "utf8"));
  const document = read(target);
  drop(document, name);
  const add = (kind: (typeof kinds)[number], value: unknown): void => {
    if (!isSeq(document.get(kind))) document.set(kind, document.createNode([]));
    document.addIn([kind], document.createNode(value));
  };
  add("clusters", {
    name,
    cluster: (from.toJS() as { clusters: { cluster: unknown }[] }).clusters[0]?.cluster,
  });
  add("users", { name, user: (from.toJS() as { users: { user: unknown }[] }).users[0]?.user });
  add("contexts", { name, context: { cluster: name, user: name } });
  if (!document.has("current-context")) document.set("current-context", name);
  write(target, document);
}

/** Takes the context `name` out of `target`; a file without it is left alone. */
export function removeContext(target: string, name: string): void {
  if (!existsSync(target)) return;
  const document = read(target);
  if (!drop(document, name)) return;
  if (document.get("current-context") === name) document.delete("current-context");
  write(target, document);
}
