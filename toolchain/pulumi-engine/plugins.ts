// The provider plugins in this checkout's PULUMI_HOME: the user's own, official ones, the built Kubernetes provider, or a
// stand-in for what can be had in none of these ways.
import { existsSync, lstatSync, mkdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { cacheRoot } from "../paths.js";
import { note, step, type Progress } from "../progress.js";
import { pluginNames, pulumiVersions, type PluginName } from "../versions.js";
import { buildKubernetesProvider } from "./build.js";
import {
  downloader as commandDownloader,
  downloadRelease,
  NotAvailable,
  releaseEntry,
  type Downloader,
} from "./download.js";
import { mirror, pluginRelease, type Machine } from "./releases.js";

/** Where a plugin is from. */
export type PluginSource = "user" | "official" | "built" | "stand-in";

/** Puts our own stand-in for an official plugin into `pulumiHome`, or brings the one that is there up to date. */
export type StandInInstaller = (
  name: PluginName,
  version: string,
  pulumiHome: string,
) => Promise<void> | void;

/** What {@link ensurePlugins} looks at; the defaults are this process's own. Tests put other things in. */
export interface PluginOptions {
  env?: NodeJS.ProcessEnv;
  machine?: Machine;
  downloader?: Downloader;
  /** Builds the Kubernetes provider and gives its file. */
  buildKubernetes?: (why: string) => Promise<string>;
}

/** A plugin's file that is there, or why there is none. */
type Found = { file: string; source: PluginSource } | { lack: string };

/**
 * Has every plugin of the program in `home`. What is missing is linked from the user's own PULUMI_HOME, downloaded
 * (verified), or built (Kubernetes) or stood in for (the others), and this is said.
 * @throws UserError when an archive is not what was published, or when the Kubernetes provider cannot be built.
 */
export async function ensurePlugins(
  home: string,
  installStandIn: StandInInstaller,
  options: PluginOptions = {},
): Promise<Record<PluginName, PluginSource>> {
  const found: Partial<Record<PluginName, PluginSource>> = {};
  for (const name of pluginNames) found[name] = await findPresent(name, home, installStandIn);
  const missing = pluginNames.filter((name) => found[name] === undefined);
  if (missing.length > 0) {
    await step(`Provider plugins: ${missing.join(", ")}`, async (progress) => {
      for (const name of missing) found[name] = await obtain(name, home, installStandIn, options, progress);
    });
  }
  const sources = found as Record<PluginName, PluginSource>;
  const standIns = pluginNames.filter((name) => sources[name] === "stand-in");
  if (standIns.length > 0)
    note(`Stand-ins take the place of these official Pulumi plugins: ${standIns.join(", ")}`);
  return sources;
}

/**
 * Where the plugin in `home` is from; undefined when there is none. A link leads to a real plugin; a file of its own is a
 * stand-in, which is brought up to date and stays until PULUMI_HOME is deleted: the two keep different things in a
 * stack's state, and a machine out of reach of any server should not ask each time.
 */
async function findPresent(
  name: PluginName,
  home: string,
  installStandIn: StandInInstaller,
): Promise<PluginSource | undefined> {
  const target = pluginFile(home, name);
  if (!existsSync(target)) return undefined;
  if (lstatSync(target).isSymbolicLink()) return sourceOf(realpathSync(target));
  await installStandIn(name, pulumiVersions[name], home);
  return "stand-in";
}

async function obtain(
  name: PluginName,
  home: string,
  installStandIn: StandInInstaller,
  options: PluginOptions,
  progress: Progress,
): Promise<PluginSource> {
  const version = pulumiVersions[name];
  const target = pluginFile(home, name);
  const official = await findOfficial(name, options, progress);
  if ("file" in official) return link(official.file, target, official.source);
  if (name === "kubernetes") {
    const build = options.buildKubernetes ?? buildKubernetesProvider;
    const why = `the Kubernetes plugin can only be built from source here (${official.lack})`;
    return link(await build(why), target, "built");
  }
  note(`The official ${name} plugin ${version} cannot be had: ${official.lack}`);
  await installStandIn(name, version, home);
  if (existsSync(target)) return "stand-in";
  throw new Error(`the stand-in for ${name} was not installed at ${target}`);
}

async function findOfficial(name: PluginName, options: PluginOptions, progress: Progress): Promise<Found> {
  const env = options.env ?? process.env;
  const own = pluginFile(ownHome(env), name);
  if (existsSync(own)) return { file: own, source: "user" };
  const release = pluginRelease(name, pulumiVersions[name], options.machine ?? process, mirror(env));
  if (release === undefined) return { lack: "no archive is published for this system" };
  try {
    const entry = await downloadRelease(release, options.downloader ?? commandDownloader, progress);
    const file = join(entry, `pulumi-resource-${name}`);
    if (existsSync(file)) return { file, source: "official" };
    return { lack: `${release.archive} does not hold pulumi-resource-${name}` };
  } catch (error) {
    if (error instanceof NotAvailable) return { lack: error.message };
    throw error;
  }
}

/** What a link's target tells of its origin: our own cache's entries are named after it. */
function sourceOf(file: string): PluginSource {
  const cache = existsSync(cacheRoot()) ? realpathSync(cacheRoot()) : cacheRoot();
  if (file.startsWith(join(cache, releaseEntry))) return "official";
  return file.startsWith(join(cache, "")) ? "built" : "user";
}

function ownHome(env: NodeJS.ProcessEnv): string {
  const home = env["PULUMI_HOME"] ?? "";
  return home === "" ? join(homedir(), ".pulumi") : home;
}

function pluginFile(home: string, name: PluginName): string {
  return join(home, "plugins", `resource-${name}-v${pulumiVersions[name]}`, `pulumi-resource-${name}`);
}

function link(file: string, target: string, source: PluginSource): PluginSource {
  mkdirSync(dirname(target), { recursive: true });
  rmSync(target, { force: true }); // a link whose cache entry is gone
  symlinkSync(file, target);
  return source;
}
