// Programs in Go that tests use, built from their modules and kept in the cache: takes some minutes the first time.
import { basename, join } from "node:path";

import { execa } from "execa";

import { cached, contentKey } from "../../../toolchain/cache.js";
import { goEnvironment, goVersion } from "../../../toolchain/go.js";
import { projectRoot } from "./cluster.js";

/** The path of the program whose module is in the folder `test/integration/<name>`, built if it is not in the cache. */
export async function buildGoProgram(name: string): Promise<string> {
  const source = join(projectRoot, "test/integration", name);
  const version = await goVersion(source, `a program that tests use, ${name}, is built with it`, "native");
  const key = contentKey({ strings: [version], files: [source], root: source });
  const folder = await cached(`test-${name}`, key, async (dir) => {
    // Without -trimpath: packages that another build of this machine has compiled are taken from its cache.
    const env = { ...goEnvironment("native"), GOFLAGS: "-mod=readonly" };
    await execa("go", ["build", "-C", source, "-o", join(dir, basename(name)), "."], { env });
  });
  return join(folder, basename(name));
}
