// Whether root of this machine lacks CAP_SYS_RESOURCE (some nested virtual machines), and the runtime for that case.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { cached, contentKey } from "../cache.js";
import { goEnvironment, goVersion, quickCompile } from "../go.js";
import { run } from "../run.js";

const capSysResource = 24n; // linux/capability.h

/** The name that the runtime is registered under, and recognised by in `docker info`. */
export const wrapperRuntime = "nosr";

/** Where the engine finds the runtime: outside every checkout and home, since the engine outlives them. */
export const wrapperPath = "/usr/local/libexec/sandlot/runc-nosr";

const source = join(dirname(fileURLToPath(import.meta.url)), "runc-nosr");

/** Whether the bounding set in the text of `/proc/1/status` is without CAP_SYS_RESOURCE. */
export function lacksSysResource(processStatus: string): boolean {
  const set = /^CapBnd:\s*([0-9a-f]+)$/m.exec(processStatus)?.[1];
  return set !== undefined && (BigInt(`0x${set}`) & (1n << capSysResource)) === 0n;
}

/** {@link lacksSysResource} of this machine; false where there is no Linux process 1 to ask. */
export function machineLacksSysResource(): boolean {
  const status = "/proc/1/status";
  return existsSync(status) && lacksSysResource(readFileSync(status, "utf8"));
}

/**
 * Builds the runtime wrapper (a second, once in a cache) and puts it at {@link wrapperPath}, replacing an older one at
 * one stroke, as containers may be starting through it.
 * @throws UserError when Go is missing.
 */
export async function installWrapper(): Promise<void> {
  const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w"];
  const version = await goVersion(
    source,
    "the container runtime that this machine needs is built from source",
  );
  const key = contentKey({ strings: [version, ...flags], files: [source], root: source });
  const entry = await cached("runc-nosr", key, async (dir) => {
    await run("go", ["build", ...flags, ...quickCompile, "-o", join(dir, "runc-nosr"), "."], {
      cwd: source,
      env: goEnvironment(),
      log: "runc-nosr",
    });
  });
  const built = join(entry, "runc-nosr");
  if (existsSync(wrapperPath) && readFileSync(wrapperPath).equals(readFileSync(built))) return;
  mkdirSync(dirname(wrapperPath), { recursive: true });
  const incoming = `${wrapperPath}.${process.pid}`;
  copyFileSync(built, incoming);
  chmodSync(incoming, 0o755);
  renameSync(incoming, wrapperPath);
}
