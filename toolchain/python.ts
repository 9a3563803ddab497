// A Python for tests of programs in it: this machine's own, else Debian's; and packages for it, pinned with their hashes.
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { canInstall, ensureAptPackages } from "./apt.js";
import { cached, cachePath, contentKey } from "./cache.js";
import { findOnPath } from "./find.js";
import { step } from "./progress.js";
import { run, tryOutput } from "./run.js";
import { minimumVersions } from "./versions.js";

/** A Python that can make virtual environments. */
export interface Python {
  /** The interpreter. */
  file: string;
  /** What packages must be made for, such as `cpython-311 linux-x86_64`. */
  platform: string;
}

const debianPackages = ["python3", "python3-venv"];
const entry = "python-packages";

/** Fails where it is too old, or where Debian has left out a part of the standard library. */
const question = `
import sys, sysconfig, venv, ensurepip
assert sys.version_info >= (${minimumVersions.python.replace(".", ", ")})
print(sys.implementation.cache_tag, sysconfig.get_platform())
`;

/** The first good one on PATH or where Debian puts it; installed by apt if there is none. Undefined where it cannot be had. */
export async function ensurePython(): Promise<Python | undefined> {
  const found = await findPython();
  if (found !== undefined || !canInstall()) return found;
  await step(`Python: install ${debianPackages.join(", ")}`, (progress) =>
    ensureAptPackages(debianPackages, progress),
  );
  return findPython();
}

/** What is missing where {@link ensurePython} finds nothing, for people. */
export const pythonLack = `no python3 of version ${minimumVersions.python} or newer with its modules venv and ensurepip, and no apt to install it with`;

async function findPython(): Promise<Python | undefined> {
  for (const file of new Set([findOnPath("python3"), "/usr/bin/python3"])) {
    if (file === undefined || !existsSync(file)) continue;
    const platform = await tryOutput(file, ["-c", question]);
    if (platform !== undefined) return { file, platform };
  }
  return undefined;
}

/**
 * A folder with the packages that the file `requirements` pins, for PYTHONPATH or a `.pth` file. Nothing is built, and nothing taken
 * whose hash is another.
 * @throws UserError when they cannot be had
 */
export async function pythonPackages({ file, platform }: Python, requirements: string): Promise<string> {
  const key = contentKey({ strings: [platform], files: [requirements], root: dirname(requirements) });
  const present = cachePath(entry, key);
  if (existsSync(present)) return present;
  return step("Python packages", (progress) =>
    cached(entry, key, async (dir) => {
      const venv = join(dir, ".venv");
      await run(file, ["-m", "venv", venv], { log: "python", progress });
      const install = ["install", "--disable-pip-version-check", "--no-input", "--target", dir];
      // What the file leaves out is not wanted, even if something in it asks for it.
      const verified = [
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        requirements,
      ];
      const python = join(venv, "bin", "python");
      await run(python, ["-m", "pip", ...install, ...verified], { log: "python", progress });
      rmSync(venv, { recursive: true });
    }),
  );
}
