// What the machine itself must offer: room, memory, kernel features, and the right to use or install Docker.
import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { totalmem } from "node:os";
import { dirname } from "node:path";

import { canInstall } from "../apt.js";
import { findEngine } from "../docker-engine/index.js";
import { UserError } from "../errors.js";
import { minimumVersions } from "../versions.js";
import { failed, passed, type Check } from "./check.js";
import { atLeast } from "./tools.js";

/**
 * Disk space in bytes: with warm caches, and from nothing, where everything is built here. Measured, of which the
 * compiler's cache is 9.5 GB, the Go modules 2.8 GB, binaries, images and npm packages 2.5 GB; rounded up.
 */
export const diskNeeds = { run: 3e9, build: 16e9 } as const;

/** Memory in bytes: to run the node and a sandbox, and to build, where the linker of the provider is the largest. */
export const memoryNeeds = { run: 2e9, build: 4e9 } as const;

/** The part of `fs.statfs` that is looked at. */
export type FileSystemStats = (path: string) => Promise<{ bavail: number; bsize: number }>;

/** Whether the disk that `path` is on, or will be on, has room for `needed` bytes. */
export async function checkDisk(
  path: string,
  needed: number,
  stats: FileSystemStats = statfs,
): Promise<Check> {
  const place = nearestExisting(path);
  const { bavail, bsize } = await stats(place);
  const free = bavail * bsize;
  const name = `disk space at ${path}`;
  const wanted = `${gigabytes(needed)} free`;
  const found = `${gigabytes(free)} free`;
  if (free >= needed) return passed(name, found, wanted);
  const remedy =
    "Make room (docker system prune, go clean -cache, delete old entries of ~/.cache/sandlot), or move the cache: SANDLOT_CACHE=<folder>";
  return failed(name, found, wanted, remedy);
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}

/** Whether the machine has `needed` bytes of memory available, or in all where the system does not tell. */
export function checkMemory(needed: number, available = availableMemory()): Check {
  const wanted = `${gigabytes(needed)} available`;
  const found = `${gigabytes(available)} available`;
  if (available >= needed) return passed("memory", found, wanted);
  return failed("memory", found, wanted, "Close other programs, or give the virtual machine more memory");
}

function availableMemory(): number {
  const file = "/proc/meminfo";
  if (!existsSync(file)) return totalmem();
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync(file, "utf8"))?.[1];
  return kilobytes === undefined ? totalmem() : Number(kilobytes) * 1024;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Whether a docker engine answers and is new enough, or can be installed and started from here. */
export async function checkDocker(
  find: typeof findEngine = findEngine,
  installable = canInstall(),
): Promise<Check> {
  const needed = `an engine ${minimumVersions.docker} or newer that answers`;
  try {
    const engine = await find();
    if (engine === undefined) {
      if (installable) return passed("Docker", "none yet: it will be installed and started", needed);
      const remedy =
        "Start or install Docker: https://docs.docker.com/engine/install/ (as root on Debian, `make up` does it)";
      return failed("Docker", "no engine answers", needed, remedy);
    }
    const found = `${engine.version}${engine.host === "" ? "" : ` at ${engine.host}`}`;
    if (atLeast(engine.version, minimumVersions.docker)) return passed("Docker", found, needed);
    return failed("Docker", found, needed, "Upgrade it: https://docs.docker.com/engine/install/");
  } catch (error) {
    if (error instanceof UserError) return failed("Docker", error.message, needed, error.remedy);
    throw error;
  }
}

/** Whether packages can be installed from here: needed only where something is built or Docker is missing. */
export function checkApt(available = canInstall()): Check {
  const needed = "apt-get and root";
  if (available) return passed("package installation", needed, needed);
  const found = process.getuid?.() === 0 ? "no apt-get" : "not root";
  const remedy =
    "Run the command as root on Debian or Ubuntu, or install Docker yourself; with Docker and internet, nothing needs to be installed";
  return failed("package installation", found, needed, remedy);
}
