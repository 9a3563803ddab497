// runsc and its containerd shim for layering on k3s: built where Go is, else the official release.
import { createHash } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cached } from "../cache.js";
import { UserError } from "../errors.js";
import { findOnPath } from "../find.js";
import { note, step } from "../progress.js";
import { buildPrograms } from "./programs.js";

/** The release that is downloaded; of the weeks after the Go module's version. */
const release = "20260323.0";

const releases = "https://storage.googleapis.com/gvisor/releases/release";
const architectures: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** The two programs. */
export const gvisorPrograms = ["runsc", "containerd-shim-runsc-v1"] as const;

/**
 * The folder that holds {@link gvisorPrograms}.
 * @throws UserError when they can neither be built nor downloaded, or a download is not what was published.
 */
export async function gvisorFolder(): Promise<string> {
  if (findOnPath("go") !== undefined) return buildPrograms("gvisor");
  note(`no Go on this machine: gVisor's official release ${release} is used`);
  const base = `${releases}/${release}/${architectures[process.arch] ?? process.arch}`;
  return cached("node-gvisor-release", `${release}-${process.arch}`, (dir) =>
    step("download gVisor", async () => {
      for (const name of gvisorPrograms) {
        const program = await downloadVerified(`${base}/${name}`);
        writeFileSync(join(dir, name), program);
        chmodSync(join(dir, name), 0o755);
      }
    }),
  );
}

/** How long an answer may take, and how long the rest of it: in milliseconds. */
const limits = { connect: 8_000, body: 300_000 };

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
  const abort = new AbortController();
  let timer = setTimeout(() => {
    abort.abort(new Error("no answer"));
  }, limits.connect);
  try {
    const response = await fetch(url, { signal: abort.signal });
    clearTimeout(timer);
    timer = setTimeout(() => {
      abort.abort(new Error("too slow"));
    }, limits.body);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new UserError(
      `gVisor cannot be downloaded from ${url}: ${cause instanceof Error ? cause.message : String(cause)}`,
      "Install Go (https://go.dev/dl/), so that gVisor can be built here, or name an image that has it in the stack's configuration",
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}
