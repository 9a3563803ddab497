// The node's own programs, built from Go modules and cached by the content of their sources.
import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { cached, contentKey, listFiles } from "../cache.js";
import { goEnvironment, goVersion, quickCompile } from "../go.js";
import { cacheRoot } from "../paths.js";
import { step, type Progress } from "../progress.js";
import { run } from "../run.js";

/** This folder. */
export const nodeImageSources = dirname(fileURLToPath(import.meta.url));

/** What Kubernetes' components report as their version. */
const kubernetesVersion = "v1.34.4+k3s.local";

/** A Go module of ours, and the programs it holds: the package of each, by the program's name. */
interface Module {
  title: string;
  folder: string;
  programs: Readonly<Record<string, string>>;
  /** Files of ours that belong into packages of other modules: the package of each, by the file. */
  added?: Readonly<Record<string, string>>;
  ldflags?: string;
}

function stamp(packagePath: string): string {
  const [major, minor] = kubernetesVersion.slice(1).split(".");
  const values = { gitVersion: kubernetesVersion, gitMajor: major, gitMinor: minor };
  return Object.entries(values)
    .map(([name, value]) => `-X ${packagePath}.${name}=${value ?? ""}`)
    .join(" ");
}

const modules = {
  node: {
    title: "Kubernetes for the node",
    folder: "node",
    programs: { k3s: ".", pause: "./pause", gate: "./gate" },
    ldflags: `${stamp("k8s.io/component-base/version")} ${stamp("k8s.io/client-go/pkg/version")}`,
  },
  coredns: { title: "CoreDNS", folder: "coredns", programs: { coredns: "." } },
  gvisor: {
    title: "gVisor",
    folder: "gvisor",
    programs: { runsc: "gvisor.dev/gvisor/runsc", "containerd-shim-runsc-v1": "./shim" },
    added: { "_added/systrap/idle.go": "gvisor.dev/gvisor/pkg/sentry/platform/systrap" },
  },
} satisfies Record<string, Module>;

/** Names of the Go modules that {@link buildPrograms} knows. */
export type ModuleName = keyof typeof modules;

/** Every source file that goes into the programs of a module: all but tests. */
export function moduleSources(name: ModuleName): string[] {
  return listFiles(join(nodeImageSources, modules[name].folder)).filter((path) => !path.endsWith("_test.go"));
}

/**
 * Builds a module's programs, or finds them in the cache; the folder that holds them.
 * @throws UserError when Go is missing or the build fails.
 */
export async function buildPrograms(name: ModuleName): Promise<string> {
  const module: Module = modules[name];
  const { title, added = {} } = module;
  const dir = join(nodeImageSources, module.folder);
  const flags = ["-trimpath", "-buildvcs=false", "-ldflags", `-s -w ${module.ldflags ?? ""}`.trim()];
  const version = await goVersion(dir, "the node image is built from source here");
  const key = contentKey({
    strings: [version, ...flags, ...Object.entries(added).flat()],
    files: moduleSources(name),
    root: nodeImageSources,
  });
  return cached(`node-${name}`, key, (out) =>
    step(`build ${title}`, (progress: Progress) =>
      withAdded(module, progress, async (cwd) => {
        for (const [program, packagePath] of Object.entries(module.programs)) {
          const args = ["build", ...flags, ...quickCompile, "-o", join(out, program), packagePath];
          await run("go", args, { cwd, env: goEnvironment(), log: `node-${name}`, progress });
        }
      }),
    ),
  );
}

/** Works in the module's folder or, where something is added to other modules, in a copy that has those in it, as Go's vendoring has. */
async function withAdded(
  { folder, added }: Module,
  progress: Progress,
  work: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = join(nodeImageSources, folder);
  if (added === undefined) return work(dir);
  const copy = mkdtempSync(join(cacheRoot(), `.node-source-${process.pid}-`));
  try {
    cpSync(dir, copy, { recursive: true });
    await run("go", ["mod", "vendor"], { cwd: copy, env: goEnvironment(), log: `node-${folder}`, progress });
    for (const [file, packagePath] of Object.entries(added))
      copyFileSync(join(copy, file), join(copy, "vendor", packagePath, basename(file)));
    // With a folder `vendor`, Go builds from that.
    await work(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
