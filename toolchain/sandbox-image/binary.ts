// The sandbox server's binary: a static Go program, cached by the content of its sources.
import { join } from "node:path";

import { cached, contentKey, listFiles } from "../cache.js";
import { UserError } from "../errors.js";
import { projectRoot } from "../paths.js";
import { step } from "../progress.js";
import { run, tryOutput } from "../run.js";

const source = join(projectRoot, "sandboxd");

/** The version that the server reports, with the flags that make the binary small and reproducible. */
const flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=0.1.0"];

/**
 * The path of the server's binary for this machine's architecture, built if it is not in the cache.
 * @throws UserError when Go is missing or the build fails.
 */
export async function buildSandboxd(): Promise<string> {
  const files = listFiles(source).filter((path) => !/_test\.go$|\.md$/.test(path));
  const key = contentKey({ strings: [...flags, process.arch], files, root: source });
  const folder = await cached("sandboxd", key, async (dir) => {
    await step("Build the sandbox server", async (progress) => {
      if ((await tryOutput("go", ["version"])) === undefined) {
        throw new UserError(
          "Go is missing, which the sandbox server is built with",
          "Install Go 1.26 or newer from https://go.dev/dl",
        );
      }
      await run("go", ["build", "-C", source, ...flags, "-o", join(dir, "sandboxd"), "."], {
        env: { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" },
        log: "sandboxd",
        progress,
      });
    });
  });
  return join(folder, "sandboxd");
}
