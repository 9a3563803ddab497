// Puts the stand-in for an official provider plugin into Pulumi's plugin folder, where the engine finds it as it would
// find the official one. The sources are bundled into one file: it starts in 0.2 s, the TypeScript would take 0.7 s.
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build, version as bundlerVersion } from "esbuild";

import { contentKey } from "../cache.js";
import { UserError } from "../errors.js";
import type { PluginName } from "../versions.js";

/** The official plugins that there is a stand-in for. */
export const standIns = ["docker", "command"] as const;

const sourceDir = dirname(fileURLToPath(import.meta.url));
const bundledPackages = ["@grpc/grpc-js", "@pulumi/pulumi", "google-protobuf"];
/** The file that marks a plugin folder as ours and says what it was made from. */
const keyFile = "stand-in.key";
const bundleName = "plugin.cjs";

/**
 * Installs the stand-in for plugin `name` at `version` under `pulumiHome`. What is there already stays when it was made
 * from the same sources, or is an official plugin. Interrupted at any point, it leaves a whole plugin or none.
 * @throws UserError when the folder cannot be written.
 */
export async function installPluginStandIn(
  name: PluginName,
  version: string,
  pulumiHome: string,
): Promise<void> {
  if (!standIns.some((standIn) => standIn === name)) {
    throw new Error(`there is no stand-in for the ${name} plugin; there is one for: ${standIns.join(", ")}`);
  }
  const plugins = join(pulumiHome, "plugins");
  const target = join(plugins, `resource-${name}-v${version}`);
  const key = standInKey(name, version);
  const present = await presentKey(name, target);
  if (present === key || present === "official") return;
  try {
    await mkdir(plugins, { recursive: true });
    // A name that starts with a dot is no plugin to Pulumi.
    const work = await mkdtemp(join(plugins, `.${name}-`));
    try {
      await bundle(name, version, work);
      await writeFile(join(work, keyFile), `${key}\n`);
      await chmod(work, 0o755);
      await moveInto(target, work);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EROFS" && code !== "ENOSPC" && code !== "ENOTDIR") throw error;
    throw new UserError(
      `The ${name} plugin cannot be put into ${plugins}: ${code}`,
      "Make the folder writable, or free some space",
      {
        cause: error,
      },
    );
  }
}

/** What the installed files depend on: sources, the packages bundled with them, and how they are started. */
function standInKey(name: PluginName, version: string): string {
  const require = createRequire(import.meta.url);
  const versions = bundledPackages.map(
    (id) => (require(`${id}/package.json`) as { version: string }).version,
  );
  return contentKey({
    strings: [name, version, process.execPath, bundlerVersion, ...versions],
    files: [join(sourceDir, "install.ts"), join(sourceDir, "provider"), join(sourceDir, name)],
    root: sourceDir,
  });
}

/** The key of the stand-in in the folder; "official" for a plugin that is none; undefined where there is nothing. */
async function presentKey(name: PluginName, target: string): Promise<string | undefined> {
  try {
    return (await readFile(join(target, keyFile), "utf8")).trim();
  } catch {
    // No key: look for the plugin itself.
  }
  return existsSync(join(target, `pulumi-resource-${name}`)) ? "official" : undefined;
}

async function bundle(name: PluginName, version: string, dir: string): Promise<void> {
  await build({
    entryPoints: [join(sourceDir, name, "main.ts")],
    outfile: join(dir, bundleName),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "silent",
  });
  const launcher = join(dir, `pulumi-resource-${name}`);
  await writeFile(launcher, launcherScript(version), { mode: 0o755 });
}

/** Starts the bundle with the Node that installed it, or the one on PATH when that is gone. */
function launcherScript(version: string): string {
  return [
    "#!/bin/sh",
    "# Sandlot's stand-in for an official Pulumi plugin.",
    `node='${process.execPath.replaceAll("'", `'\\''`)}'`,
    '[ -x "$node" ] || node=node',
    `exec "$node" "$(dirname "$0")/${bundleName}" '${version}' "$@"`,
    "",
  ].join("\n");
}

/** Puts `work` in the place of `target`. Of two that do so at once, the last wins; both are whole. */
async function moveInto(target: string, work: string): Promise<void> {
  const old = `${work}.old`;
  try {
    await rename(target, old);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  try {
    await rename(work, target);
  } catch (error) {
    // Another process has put its own there in between.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}
