// Room for a build from source, looked at before the compiler has filled the disk for ten minutes.
import { cacheRoot } from "../paths.js";
import { tryOutput } from "../run.js";
import { requireAll } from "./check.js";
import { checkDisk, diskNeeds } from "./machine.js";

let looked: Promise<void> | undefined;

/**
 * Goes on only if the disk has room for what is still to be built. Looked at once in a process: what its first build
 * takes is not missing for its second.
 * @throws UserError when it has not.
 */
export function requireBuildRoom(): Promise<void> {
  looked ??= look();
  return looked;
}

async function look(): Promise<void> {
  const caches = (await tryOutput("go", ["env", "GOCACHE", "GOMODCACHE"])) ?? "";
  const made = await Promise.all([...caches.split("\n"), cacheRoot()].map(sizeOf));
  const needed = roomNeeded(made.reduce((sum, size) => sum + size, 0));
  requireAll([await checkDisk(cacheRoot(), needed)]);
}

/** The room in bytes that a build needs where earlier ones have left `made` bytes in the caches. */
export function roomNeeded(made: number): number {
  return Math.max(diskNeeds.run, diskNeeds.build - made);
}

/** The bytes that a folder takes up; 0 if there is none, or too many files to count in passing. */
async function sizeOf(folder: string): Promise<number> {
  if (folder === "") return 0;
  return Number.parseInt((await tryOutput("du", ["-sk", folder])) ?? "0", 10) * 1024;
}
