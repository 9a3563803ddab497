// Where things are kept: what can be shared between checkouts in the cache, what belongs to this one in .sandlot.
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder, absolute. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** This checkout's state: Pulumi's home and stack state, kubeconfig, logs. Safe to delete only after `make down`. */
export const stateDir = join(projectRoot, ".sandlot");

/** The folder of things built or downloaded, keyed by content and shared by every checkout of this user. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const override = env["SANDLOT_CACHE"];
  if (override !== undefined && override !== "") return resolve(override);
  const xdg = env["XDG_CACHE_HOME"];
  return join(xdg !== undefined && xdg !== "" ? xdg : join(homedir(), ".cache"), "sandlot");
}

/** A path that a person wrote: absolute, in the home folder (`~/`), or relative to the project. */
export function pathFrom(written: string): string {
  return written.startsWith("~/") ? join(homedir(), written.slice(2)) : resolve(projectRoot, written);
}

/** A folder under {@link stateDir}, made if it is missing. */
export function stateFolder(...names: string[]): string {
  const path = join(stateDir, ...names);
  mkdirSync(path, { recursive: true });
  return path;
}
