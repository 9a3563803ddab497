// runsc and its containerd shim for layering on k3s: built where Go is, else the official release.
import { createHash } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cached } from "../cache.js";
import { UserError } from "../errors.js";
import { goArchitecture, goObstacle } from "../go.js";
import { httpFailure, httpGet } from "../http.js";
import { note, step } from "../progress.js";
import { buildPrograms, nodeImageSources } from "./programs.js";

/** The release that is downloaded; of the weeks after the Go module's version. */
const release = "20260323.0";

const releases = "https://storage.googleapis.com/gvisor/releases/release";
const architectures: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

/** The two programs. */
export const gvisorPrograms = ["runsc", "containerd-shim-runsc-v1"] as const;

/**
 * The folder that holds {@link gvisorPrograms}.
 * @param architecture the processor that they run on, by Docker's name
 * @throws UserError when they can neither be built nor downloaded, or a download is not what was published.
 */
export async function gvisorFolder(architecture = goArchitecture()): Promise<string> {
  const obstacle =
    architecture === goArchitecture()
      ? await goObstacle(join(nodeImageSources, "gvisor"))
      : `the engine runs on ${architecture}, this machine on ${goArchitecture()}`;
  if (obstacle === undefined) return buildPrograms("gvisor");
  note(`gVisor's official release ${release} is used: ${obstacle}`);
  const base = `${releases}/${release}/${architectures[architecture] ?? architecture}`;
  return cached("node-gvisor-release", `${release}-${architecture}`, (dir) =>
    step("download gVisor", async () => {
      for (const name of gvisorPrograms) {
        const program = await downloadVerified(`${base}/${name}`);
        writeFileSync(join(dir, name), program);
        chmodSync(join(dir, name), 0o755);
      }
    }),
  );
}

const limits = { connectMs: 8_000, stallMs: 30_000 };

/** Downloads `url` and checks it against the SHA-512 published beside it. */
async function downloadVerified(url: string): Promise<Buffer> {
  const published = (await download(`${url}.sha512`)).toString("utf8").trim().split(/\s+/)[0] ?? "";
  const content = await download(url);
  const actual = createHash("sha512").update(content).digest("hex");
  if (actual === published) return content;
  throw new UserError(
    `${url} is not what was published: its SHA-512 is ${actual}, not ${published}`,
    "Something between this machine and the server changes downloads; nothing was kept. Try from another network",
  );
}

async function download(url: string): Promise<Buffer> {
  try {
    return await httpGet(url, limits, async (response) => {
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return Buffer.from(await response.arrayBuffer());
    });
  } catch (error) {
    throw new UserError(
      `gVisor cannot be downloaded from ${url}: ${httpFailure(error)}`,
      "Install Go (https://go.dev/dl/), so that gVisor can be built here, or name an image that has it in the stack's configuration",
      { cause: error },
    );
  }
}
