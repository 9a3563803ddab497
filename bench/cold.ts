// `make up` as somebody new has it: a fresh clone of the committed head, an empty home, empty caches, no image built yet.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { note, step } from "@sandlot/toolchain/progress.js";
import { tryOutput } from "@sandlot/toolchain/run.js";
import { execa } from "execa";

import type { Figure } from "./figures.js";
import { make, makeUp, type MakeRun } from "./make.js";
import type { Start } from "./start.js";
import { stackName, type Surroundings } from "./surroundings.js";

const limitMs = 45 * 60_000;

/**
 * The environment of somebody new. What tells where packages come from on this machine stays: npm's and Go's settings,
 * Docker's contexts. The salt gives whatever is built names of its own, so that no image of an earlier build is found.
 */
async function emptyEnvironment(dir: string): Promise<NodeJS.ProcessEnv> {
  const home = join(dir, "home");
  mkdirSync(home);
  const npmrc = await tryOutput("npm", ["config", "get", "userconfig"]);
  const goenv = await tryOutput("go", ["env", "GOENV"]);
  const docker = process.env["DOCKER_CONFIG"] ?? join(process.env["HOME"] ?? "/", ".docker");
  const kept = { NPM_CONFIG_USERCONFIG: npmrc, GOENV: goenv, DOCKER_CONFIG: docker };
  const present = Object.entries(kept).filter(([, path]) => path !== undefined && existsSync(path));
  const inherited = { ...process.env, PULUMI_HOME: "" };
  return {
    ...inherited,
    ...Object.fromEntries(present),
    HOME: home,
    XDG_CACHE_HOME: join(home, ".cache"),
    SANDLOT_CACHE: join(home, ".cache", "sandlot"),
    SANDLOT_CONTENT_SALT: randomUUID(),
    NPM_CONFIG_CACHE: join(home, ".npm"),
    GOCACHE: join(home, "go-build"),
    GOPATH: join(home, "go"),
    GOMODCACHE: join(home, "go", "mod"),
  };
}

/** Clones the committed head into `dir`. */
async function clone(dir: string): Promise<string> {
  const root = join(dir, "sandlot");
  const { stdout: changes } = await execa("git", ["-C", projectRoot, "status", "--porcelain"]);
  if (changes !== "") note("Uncommitted changes are not part of the cold run");
  await execa("git", ["clone", "--quiet", projectRoot, root]);
  if (existsSync(join(root, "stacks", `Pulumi.${stackName}.yaml`))) return root;
  throw new UserError(
    `The committed head has no stack ${stackName}.`,
    "Commit the checkout, or check out a commit that has `make bench`; the cold run is one of a fresh clone.",
  );
}

/** The images that the clone built or was about to build; their names are its own. */
async function imagesOf(root: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const file = join(root, ".sandlot/stacks", stackName, "resolved.json");
  const noted = existsSync(file)
    ? Object.values(JSON.parse(readFileSync(file, "utf8")) as Record<string, { ref: string }>)
    : [];
  const script = [
    `const { builtBase } = await import("./toolchain/sandbox-image/base.ts");`,
    `const { sandboxImageRef } = await import("./toolchain/sandbox-image/build.ts");`,
    `console.log([builtBase, sandboxImageRef()].join("\\n"));`,
  ].join("\n");
  const { stdout = "" } = await execa("node", ["--import", "tsx", "--input-type=module", "--eval", script], {
    cwd: root,
    env,
    extendEnv: false,
    reject: false,
  });
  const names = [...noted.map(({ ref }) => ref), ...stdout.split("\n")];
  // An image that was pulled is no work of the clone's.
  return [...new Set(names)].filter((name) => name.startsWith("sandlot/"));
}

/** Runs `make up` cold. Takes away all that it made. @returns the run, with the duration of each of its steps */
export async function coldStart({
  signal,
  cleanup,
}: Surroundings): Promise<MakeRun & { steps: Record<string, number> }> {
  const dir = mkdtempSync(join(tmpdir(), "sandlot-cold-"));
  const removeFolder = cleanup.add(`The folder ${dir}`, async () => {
    // Go's modules are read-only.
    await execa("chmod", ["-R", "u+w", dir], { reject: false });
    rmSync(dir, { recursive: true, force: true });
  });
  const root = await clone(dir);
  const env = await emptyEnvironment(dir);
  let images: string[] = [];
  const removeImages = cleanup.add("The images of the cold run", async () => {
    for (const image of images) await execa("docker", ["image", "rm", image], { reject: false });
  });
  const down = cleanup.add("The stack bench of the cold run", async () => {
    images = await imagesOf(root, env);
    await step("Cold run: down, with its data", (progress) =>
      make("down", { root, env, progress, variables: { VOLUMES: "1" } }),
    );
  });
  const run = await step("make up in a fresh clone, caches cold", (progress) =>
    makeUp({ root, env, signal, progress, timeout: limitMs }),
  );
  await down();
  await removeImages();
  await removeFolder();
  return { startedAt: run.startedAt, ms: run.ms, steps: { ...run.timings.steps } };
}

/** The rows of a cold run against the warm one; steps may run side by side, so they do not add up. */
export function coldFigures(cold: { ms: number; steps: Record<string, number> }, warm: Start): Figure[] {
  return [
    {
      figure: "nothing to first program, caches cold",
      unit: "ms",
      ours: cold.ms,
      reference: warm.total,
      against: "the same with warm caches",
    },
    ...Object.entries(cold.steps).map(
      ([name, ms]): Figure => ({ figure: `  step: ${name}`, unit: "ms", ours: ms, against: "" }),
    ),
  ];
}
