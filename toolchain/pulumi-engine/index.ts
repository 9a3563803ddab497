// Pulumi's engine and its provider plugins: found, downloaded or built, in that order.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { stateFolder } from "../paths.js";
import { note, step, type Progress } from "../progress.js";
import { pulumiVersions } from "../versions.js";
import { buildEngine, findBuiltEngine } from "./build.js";
import {
  cachedRelease,
  downloader as commandDownloader,
  downloadRelease,
  NotAvailable,
  type Downloader,
} from "./download.js";
import { findInstalled } from "./installed.js";
import { cliRelease, mirror, type Machine, type Release } from "./releases.js";

export { ensurePythonHost, ensureSdkGenerator, ensureYamlHost } from "./other-languages.js";
export { ensurePlugins } from "./plugins.js";
export type { PluginSource, StandInInstaller } from "./plugins.js";
export { pulumiEnv } from "./environment.js";

/** A Pulumi CLI that can be run. */
export interface PulumiEngine {
  /** The folder that holds `pulumi`, `pulumi-language-nodejs` and, for a CLI before 3.221, `pulumi-analyzer-policy`. */
  bin: string;
  /** Its version, without a `v`. */
  version: string;
  /** Where it is from. */
  source: "path" | "downloaded" | "built";
  /** PULUMI_HOME: this checkout's own, so that plugins and logins of the user's are neither used by chance nor changed. */
  home: string;
}

type Obtained = Pick<PulumiEngine, "bin" | "source">;

/** What {@link ensurePulumi} looks at; the defaults are this process's own. Tests put other things in. */
export interface EngineOptions {
  env?: NodeJS.ProcessEnv;
  machine?: Machine;
  downloader?: Downloader;
  /** PULUMI_HOME. Default: `.sandlot/pulumi`. */
  home?: string;
  /** The last resort. Default: build from Go modules. */
  build?: (progress: Progress, why: string) => Promise<{ bin: string }>;
  /** The result of an earlier build, if it is in the cache. */
  findBuilt?: () => Promise<{ bin: string } | undefined>;
}

/**
 * Finds a CLI: a compatible one on PATH, one that an earlier command downloaded or built, the official archive
 * (verified), or one that is built from its Go modules.
 * @throws UserError when an archive is not what was published, or when none of the ways is open.
 */
export async function ensurePulumi(options: EngineOptions = {}): Promise<PulumiEngine> {
  const env = options.env ?? process.env;
  const home = options.home ?? stateFolder("pulumi");
  const pinned = pulumiVersions.cli;
  const installed = await findInstalled(pinned, env);
  if (installed !== undefined && "bin" in installed) return { ...installed, source: "path", home };
  if (installed !== undefined) note(`Not used: ${installed.unfit}`);
  const engine = { version: pinned, home };
  const release = cliRelease(pinned, options.machine ?? process, mirror(env));
  const present = release === undefined ? undefined : cliFolder(cachedRelease(release));
  if (present !== undefined) return { ...engine, bin: present, source: "downloaded" };
  const built = await (options.findBuilt ?? findBuiltEngine)();
  if (built !== undefined) return { ...engine, bin: built.bin, source: "built" };
  const obtained = await step("Pulumi engine", (progress) => obtain(release, options, progress));
  return { ...engine, ...obtained };
}

async function obtain(
  release: Release | undefined,
  options: EngineOptions,
  progress: Progress,
): Promise<Obtained> {
  let lack = "no archive is published for this system";
  if (release !== undefined) {
    try {
      const entry = await downloadRelease(release, options.downloader ?? commandDownloader, progress);
      const bin = cliFolder(entry);
      if (bin !== undefined) return { bin, source: "downloaded" };
      lack = `${release.archive} does not hold pulumi and pulumi-language-nodejs`;
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error;
      lack = error.message;
    }
  }
  note(`Building from Go modules, as the official archive cannot be had: ${lack}`);
  const build = options.build ?? buildEngine;
  const { bin } = await build(progress, `the Pulumi engine can only be built from source here (${lack})`);
  return { bin, source: "built" };
}

/** The folder in an unpacked archive that holds the CLI: `pulumi`, and `pulumi/bin` in some. */
function cliFolder(entry: string): string | undefined {
  return ["pulumi", "pulumi/bin", "."]
    .map((name) => join(entry, name))
    .filter((folder) => existsSync(folder))
    .find((folder) => {
      const names = readdirSync(folder);
      return names.includes("pulumi") && names.includes("pulumi-language-nodejs");
    });
}
