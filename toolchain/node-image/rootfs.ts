// The node's root file system without our own programs: Debian trixie packages, from this machine's own mirror.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { aptSources, ensureAptPackages, mmdebstrapAptOptions } from "../apt.js";
import { cached, contentKey } from "../cache.js";
import { UserError } from "../errors.js";
import { step } from "../progress.js";
import { run } from "../run.js";
import { nodeImageSources } from "./programs.js";

/** The recipe of the root file system. */
export const rootfsScript = join(nodeImageSources, "rootfs.sh");

/**
 * The path of a tar archive of the root file system, made once and then kept in the cache.
 * @throws UserError on a machine that cannot make it: no apt, not root, or a mirror without trixie.
 */
export async function nodeRootfs(): Promise<string> {
  const sources = aptSources("trixie");
  const key = contentKey({ strings: [process.arch, sources], files: [rootfsScript], root: nodeImageSources });
  const entry = await cached("node-rootfs", key, (dir) =>
    step("node image: Debian packages", async (progress) => {
      requireDebianRoot();
      await ensureAptPackages(["mmdebstrap"], progress);
      const list = join(dir, "trixie.sources");
      writeFileSync(list, sources);
      // Temporary files go beside the result, so that whatever an interruption leaves is found and removed.
      await run("sh", [rootfsScript, list, join(dir, "rootfs.tar"), ...(await mmdebstrapAptOptions())], {
        env: { TMPDIR: dir },
        log: "node-rootfs",
        progress,
      });
    }),
  );
  return join(entry, "rootfs.tar");
}

function requireDebianRoot(): void {
  const system = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const problem = !existsSync("/usr/bin/apt-get")
    ? `this machine has no apt (${/^PRETTY_NAME="?([^"\n]*)/m.exec(system)?.[1] ?? process.platform})`
    : process.getuid?.() === 0
      ? undefined
      : "this user is not root";
  if (problem === undefined) return;
  throw new UserError(
    `The node image can neither be pulled nor be built here: ${problem}`,
    [
      "Any one of these helps:",
      "  - give the Docker engine access to a registry that has rancher/k3s (or a mirror of it)",
      "  - name an image that the engine has, in the stack's configuration (cluster image)",
      "  - run the command once as root on Debian 12 or newer, where the image can be built from packages",
    ].join("\n"),
  );
}
