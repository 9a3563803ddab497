// What programs in other languages need beside the engine, where it is one that was built here: an official CLI brings all of it
// along. Only `make test` and `npm run sdk` ask for it, so nothing else waits for it.
import { chmodSync, copyFileSync, existsSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

import { cached, cachePath, contentKey } from "../cache.js";
import { goEnvironment, goVersion } from "../go.js";
import { step, type Progress } from "../progress.js";
import { buildFlags, countPackages, goBuild, hostSource } from "./build.js";

/** Apart from the engine's, whose key all of its sources are part of: most have no use for it. */
const source = join(dirname(fileURLToPath(import.meta.url)), "other-languages");

const yamlHost = "pulumi-language-yaml";
const pythonHost = "pulumi-language-python";

/** The folder of an engine's CLI. */
interface Engine {
  bin: string;
}

/** What an official CLI brings along, and else is built. */
interface Extra {
  /** What it is, for people. */
  title: string;
  /** The name of its cache entry, without the key. */
  entry: string;
  /** A program that is beside an official CLI. */
  official: string;
  /** The folder of the Go module that it is built in. */
  module: string;
  build: (dir: string, progress: Progress) => Promise<void>;
}

/**
 * The folder with the host for programs in YAML that goes with the engine.
 * @throws UserError when it must be built and Go is missing
 */
export function ensureYamlHost(engine: Engine): Promise<string> {
  return ensure(engine, {
    title: "Pulumi's host for YAML",
    entry: yamlHost,
    official: yamlHost,
    module: source,
    build: (dir, progress) =>
      goBuild(source, dir, [`github.com/pulumi/pulumi-yaml/cmd/${yamlHost}`], progress),
  });
}

/**
 * The folder with the host for programs in Python that goes with the engine. One that is built here is older than the engine, which
 * tells it nothing of the options in Pulumi.yaml: it runs the `python3` on PATH.
 * @throws UserError when it must be built and Go is missing
 */
export function ensurePythonHost(engine: Engine): Promise<string> {
  return ensure(engine, {
    title: "Pulumi's host for Python",
    entry: pythonHost,
    official: pythonHost,
    module: hostSource,
    build: async (dir, progress) => {
      await goBuild(hostSource, dir, [`github.com/pulumi/pulumi/sdk/v3/python/cmd/${pythonHost}`], progress);
      // The half that is in Python, which the host looks for beside itself.
      const exec = `${pythonHost}-exec`;
      copyFileSync(join(await sdkSources(), "python", "cmd", exec), join(dir, exec));
      chmodSync(join(dir, exec), 0o755);
    },
  });
}

/**
 * The folder with what `pulumi package gen-sdk` asks for SDKs in Python. One that is built here does nothing else, so that the folder
 * belongs on PATH for this command alone.
 * @throws UserError when it must be built and Go is missing
 */
export function ensureSdkGenerator(engine: Engine): Promise<string> {
  return ensure(engine, {
    title: "Pulumi's generator of SDKs in Python",
    entry: "pulumi-sdk-generator",
    official: pythonHost,
    module: source,
    build: async (dir, progress) => {
      await goBuild(source, dir, ["./sdk-generator"], progress);
      renameSync(join(dir, "sdk-generator"), join(dir, pythonHost));
    },
  });
}

/** The folder of the CLI where that is an official one, else of what is built, which is kept by its sources. */
async function ensure({ bin }: Engine, { title, entry, official, module, build }: Extra): Promise<string> {
  if (existsSync(join(bin, official))) return bin;
  const version = await goVersion(module, `${title} can only be built from source here`, "native");
  const key = contentKey({ strings: [version, ...buildFlags], files: [module], root: module });
  const name = `${entry}-built`;
  const present = cachePath(name, key);
  if (existsSync(present)) return present;
  return step(`${title}: build from Go modules`, (progress) =>
    cached(name, key, (dir) => build(dir, countPackages(progress))),
  );
}

/** The SDK's sources, of the version that the host is built from: what Go downloaded and verified. */
async function sdkSources(): Promise<string> {
  const args = ["list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"];
  const { stdout } = await execa("go", args, { cwd: hostSource, env: goEnvironment("native") });
  return stdout.trim();
}
