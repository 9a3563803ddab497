// Programs in Go that tests use, built from their modules and kept in the cache: takes some minutes the first time.
import { basename, join } from "node:path";

import { goPrograms } from "../../../toolchain/go-programs.js";
import { projectRoot } from "./cluster.js";

/** The path of the program whose module is in the folder `test/integration/<name>`, built if it is not in the cache. */
export async function buildGoProgram(name: string): Promise<string> {
  const folder = await goPrograms({
    name: `test-${name}`,
    title: `A program that tests use, ${name}: build from Go modules`,
    source: join(projectRoot, "test/integration", name),
    packages: ["."],
    why: `a program that tests use, ${name}, is built with it`,
    log: `test-${name}`,
  });
  return join(folder, basename(name));
}
