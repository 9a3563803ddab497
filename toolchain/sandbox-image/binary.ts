// The sandbox server's binary: a static Go program for Linux, cached by the content of its sources.
import { chmodSync } from "node:fs";
import { join } from "node:path";

import { cached, contentKey, listFiles } from "../cache.js";
import type { PullPolicy } from "../docker-images.js";
import { UserError } from "../errors.js";
import { goArchitecture, goEnvironment, goObstacle, quickCompile } from "../go.js";
import { projectRoot } from "../paths.js";
import { step } from "../progress.js";
import { run } from "../run.js";
import { buildInContainer } from "./container-build.js";

const source = join(projectRoot, "sandboxd");

/** The version that the server reports, with the flags that make the binary small and reproducible. */
const flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=0.1.0"];

/** Where the server will run, and which engine may build it where this machine cannot. */
export interface SandboxdOptions {
  /**
   * The processor, by Go's and Docker's name.
   * @default - this machine's
   */
  architecture?: string;
  /**
   * The docker client.
   * @default - none: only this machine's own Go is used
   */
  dockerCli?: string;
  /** @default "IfNotPresent" */
  pullPolicy?: PullPolicy;
}

/**
 * The path of the server's binary, built if it is not in the cache: with Go, or without it in a container.
 * @throws UserError when neither works or the build fails.
 */
export async function buildSandboxd(options: SandboxdOptions = {}): Promise<string> {
  const { architecture = goArchitecture(), dockerCli, pullPolicy } = options;
  const files = listFiles(source).filter((path) => !/_test\.go$|\.md$/.test(path));
  const key = contentKey({ strings: [...flags, `linux/${architecture}`], files, root: source });
  const folder = await cached("sandboxd", key, async (dir) => {
    const out = join(dir, "sandboxd");
    const env = { ...goEnvironment("container", architecture), GOFLAGS: "-mod=readonly" };
    const allFlags = [...flags, ...quickCompile];
    await step("Build the sandbox server", async (progress) => {
      const obstacle = await goObstacle(source);
      if (obstacle === undefined) {
        await run("go", ["build", "-C", source, ...allFlags, "-o", out, "."], {
          env,
          log: "sandboxd",
          progress,
        });
      } else if (dockerCli !== undefined) {
        await buildInContainer({ dockerCli, obstacle, source, flags: allFlags, env, pullPolicy }, out);
        chmodSync(out, 0o755);
      } else {
        throw new UserError(
          `${obstacle}, which the sandbox server is built with`,
          "Install Go 1.26 or newer from https://go.dev/dl",
        );
      }
    });
  });
  return join(folder, "sandboxd");
}
