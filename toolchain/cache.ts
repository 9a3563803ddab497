// A cache keyed by content: an entry is a folder that is complete or absent, whoever is interrupted.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join, relative } from "node:path";

import { cacheRoot } from "./paths.js";
import { isAlive } from "./processes.js";

/** A hash over plain strings and over the names and contents of files and folders: 16 hex digits. */
export function contentKey(inputs: {
  strings?: readonly string[];
  files?: readonly string[];
  root?: string;
}): string {
  const hash = createHash("sha256");
  // Names of their own for everything built: how `make bench COLD=1` finds no image of an earlier build.
  const salt = process.env["SANDLOT_CONTENT_SALT"] ?? "";
  if (salt !== "") hash.update(`salt:${salt}`);
  for (const text of inputs.strings ?? []) hash.update(`s${text.length}:${text}`);
  for (const path of (inputs.files ?? []).flatMap(listFiles)) {
    const content = readFileSync(path);
    const name = inputs.root === undefined ? path : relative(inputs.root, path);
    hash.update(`f${name}:${statSync(path).mode & 0o111 ? "x" : "-"}:${content.length}:`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Every file at or under `path`, sorted. */
export function listFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => listFiles(join(path, name)));
}

/** The folder of a cache entry, whether or not it is there. */
export function cachePath(name: string, key: string): string {
  return join(cacheRoot(), `${name}-${key}`);
}

/**
 * The folder of entry `name-key`; made by `build` in a temporary folder and renamed when complete.
 * Two processes that build the same entry at once both succeed: the first to finish wins.
 */
export async function cached(
  name: string,
  key: string,
  build: (dir: string) => Promise<void>,
): Promise<string> {
  const entry = cachePath(name, key);
  if (existsSync(entry)) return entry;
  mkdirSync(cacheRoot(), { recursive: true });
  removeAbandoned();
  const work = mkdtempSync(join(cacheRoot(), `.${name}-${process.pid}-`));
  try {
    await build(work);
    try {
      renameSync(work, entry);
    } catch (error) {
      if (!existsSync(entry)) throw error;
    }
    return entry;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Removes the temporary folders of processes that were cut off: they name their process. */
function removeAbandoned(): void {
  for (const name of readdirSync(cacheRoot())) {
    const pid = /^\..+-(\d+)-[^-]{6}$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(cacheRoot(), name), { recursive: true, force: true });
  }
}
