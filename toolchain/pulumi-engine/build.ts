// Builds the engine from its published Go modules, where it cannot be downloaded. The compiler's own cache makes an
// interrupted build go on where it stopped; the result is kept in ours, by content.
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { cached, cachePath, contentKey } from "../cache.js";
import { findOnPath } from "../find.js";
import { goEnvironment, goVersion, quickCompile } from "../go.js";
import { requireBuildRoom } from "../prerequisites/build-room.js";
import { step, type Progress } from "../progress.js";
import { run } from "../run.js";
import { pulumiVersions } from "../versions.js";

const source = join(dirname(fileURLToPath(import.meta.url)), "source");
/** The module of the language hosts as they were before they became modules that cannot be had. */
export const hostSource = join(source, "language-host");

const cliPackage = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const hostPackage = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
const kubernetesPackage = "./pulumi-resource-kubernetes";

// The CLI's version carries a `v`, the provider's none: so do the official ones.
const versionFlags = [
  `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumiVersions.cli}`,
  `-X github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version=${pulumiVersions.kubernetes}`,
];
const engineEntry = "pulumi-engine-built";
/** What decides on a program beside its sources and the compiler. */
export const buildFlags = [
  "-mod=readonly",
  "-trimpath",
  "-buildvcs=false",
  "-v",
  "-ldflags",
  ["-s -w", ...versionFlags].join(" "),
];

/**
 * The provider links the whole SDK of its own for YAML components: megabytes of generated accessors that hardly run, and half
 * of all that the compiler does here. Without inlining it takes a third less.
 */
const quickSdk = "-gcflags=github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/...=-dwarf=false -l";

/** The folder of a built CLI with its host and policy launcher, and the Kubernetes provider's file. */
export interface BuiltEngine {
  bin: string;
  kubernetes: string;
}

/**
 * The CLI, its Node.js host, the policy launcher and the Kubernetes provider, built unless they are in the cache. CLI and
 * provider are one module and one call of the compiler, which then links the one while it still compiles the other.
 * @param why what needs Go, for the message when it is missing
 */
export async function buildEngine(progress: Progress, why: string): Promise<BuiltEngine> {
  const key = await buildKey(why);
  return layout(await cached(engineEntry, key, (dir) => buildAll(dir, progress)));
}

/**
 * The Kubernetes provider's file: the one built with the engine, else built alone (the engine was not built).
 * @param why what needs Go, for the message when it is missing
 */
export async function buildKubernetesProvider(why: string): Promise<string> {
  const key = await buildKey(why);
  const name = "pulumi-kubernetes-built";
  const withEngine = layout(cachePath(engineEntry, key)).kubernetes;
  if (existsSync(withEngine)) return withEngine;
  const alone = cachePath(name, key);
  if (!existsSync(alone)) {
    await step("Kubernetes plugin: build from Go modules", (progress) =>
      cached(name, key, (dir) => goBuild(source, dir, [kubernetesPackage], countPackages(progress))),
    );
  }
  return join(alone, "pulumi-resource-kubernetes");
}

/** The engine that an earlier command built, if this very one is in the cache and Go is there to tell. */
export async function findBuiltEngine(): Promise<BuiltEngine | undefined> {
  if (findOnPath("go") === undefined) return undefined;
  const entry = cachePath(engineEntry, await buildKey("the Pulumi engine was built from source"));
  return existsSync(entry) ? layout(entry) : undefined;
}

async function buildKey(why: string): Promise<string> {
  const version = await goVersion(source, why, "native");
  return contentKey({ strings: [version, ...buildFlags], files: [source], root: source });
}

function layout(entry: string): BuiltEngine {
  return { bin: join(entry, "bin"), kubernetes: join(entry, "plugins", "pulumi-resource-kubernetes") };
}

async function buildAll(dir: string, progress: Progress): Promise<void> {
  const { bin, kubernetes } = layout(dir);
  const counted = countPackages(progress);
  await Promise.all([
    goBuild(source, bin, [cliPackage, kubernetesPackage], counted),
    goBuild(hostSource, bin, [hostPackage], counted),
  ]);
  mkdirSync(dirname(kubernetes), { recursive: true });
  renameSync(join(bin, "pulumi-resource-kubernetes"), kubernetes);
  copyFileSync(join(source, "pulumi-analyzer-policy"), join(bin, "pulumi-analyzer-policy"));
  chmodSync(join(bin, "pulumi-analyzer-policy"), 0o755);
}

/** Builds `packages` as the module in the folder `module` has them, into the folder `out`. */
export async function goBuild(
  module: string,
  out: string,
  packages: string[],
  progress: Progress,
): Promise<void> {
  await requireBuildRoom();
  mkdirSync(out, { recursive: true });
  const args = ["build", ...buildFlags, ...quickCompile, quickSdk, "-o", out, ...packages];
  await run("go", args, { cwd: module, env: goEnvironment("native"), log: "pulumi-engine", progress });
}

/** A progress whose detail is how far the compiler is: it names each package that it compiles or module it fetches. */
export function countPackages(progress: Progress): Progress {
  let packages = 0;
  let modules = 0;
  return {
    detail: (line) => {
      if (line.startsWith("go: downloading ")) modules += 1;
      else packages += 1;
      progress.detail(
        `${modules > 0 ? `${modules} modules fetched, ` : ""}${packages} packages compiled: ${line}`,
      );
    },
  };
}
