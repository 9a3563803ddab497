// The scorers as programs: built from their Go modules or installed from PyPI, at pinned versions, and kept in the cache.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { cached, contentKey } from "@sandlot/toolchain/cache.js";
import { findOnPath } from "@sandlot/toolchain/find.js";
import { goPrograms } from "@sandlot/toolchain/go-programs.js";
import { step } from "@sandlot/toolchain/progress.js";
import { run, tryOutput } from "@sandlot/toolchain/run.js";

const here = dirname(fileURLToPath(import.meta.url));

/**
 * The folder with the programs of the Go module in `folder`, built unless it is in the cache.
 * @param env more for the environment of the compiler
 */
export function scorerPrograms(
  folder: string,
  packages: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  return goPrograms({
    name: `scorers-${folder}`,
    title: `Scorers: build ${folder}`,
    source: join(here, folder),
    why: "the scorers are built with it",
    log: "scorers",
    ...{ packages, env },
  });
}

/**
 * The folder with checkov and all that it needs, installed unless it is in the cache.
 * @returns undefined where there is no Python that could
 */
export async function checkovFolder(): Promise<string | undefined> {
  const python = findOnPath("python3");
  if (python === undefined) return undefined;
  const version = await tryOutput(python, ["-m", "pip", "--version"]);
  if (version === undefined) return undefined;
  const requirements = join(here, "checkov.txt");
  const key = contentKey({ strings: [version], files: [requirements], root: here });
  return cached("scorers-checkov", key, (dir) =>
    step("Scorers: install checkov", (progress) =>
      run(python, ["-m", "pip", "install", "--no-deps", "--target", dir, "--requirement", requirements], {
        log: "scorers",
        progress,
      }),
    ),
  );
}
