// Updates and previews that change nothing, against those of a program with nothing in it.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { policyArguments } from "../commands/support/policies.js";
import type { Figure } from "./figures.js";
import { makeUp } from "./make.js";
import { percentile } from "./statistics.js";
import type { Surroundings } from "./surroundings.js";

/** At most this many of each kind, and no further round after this time: a busy machine must not take all day. */
const rounds = 3;
const enoughMs = 75_000;
const limitMs = 120_000;

/** As `make` calls the engine where there is no terminal (commands/support/pulumi.ts). */
const quiet = ["--non-interactive", "--suppress-progress", "--color", "never"];

/** The engine in one project folder. */
export interface Engine {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly where: readonly string[];
  readonly signal: AbortSignal;
}

/** Runs the engine. @returns milliseconds, and what it says @throws UserError with that when it fails */
export async function runEngine(
  { cwd, env, where, signal }: Engine,
  args: readonly string[],
): Promise<{ ms: number; said: string }> {
  const started = performance.now();
  const result = await execa("pulumi", [...args, ...where, ...quiet], {
    cwd,
    env: { ...env, PULUMI_NODEJS_TRANSPILE_ONLY: "true" },
    stdin: "ignore",
    all: true,
    reject: false,
    timeout: limitMs,
    cancelSignal: signal,
  });
  if (!result.failed) return { ms: performance.now() - started, said: result.all };
  signal.throwIfAborted();
  throw new UserError(`pulumi ${args.join(" ")} failed:\n${result.all}`, "See `make doctor`.");
}

/** A project with a program that has nothing in it, in TypeScript as ours is, with state of its own. */
export async function emptyProject({
  env,
  signal,
  cleanup,
}: Pick<Surroundings, "env" | "signal" | "cleanup">): Promise<Engine> {
  const cwd = cleanup.folder("sandlot-bench-");
  mkdirSync(join(cwd, "state"));
  const files = {
    "Pulumi.yaml": "name: empty\nruntime:\n  name: nodejs\n  options:\n    typescript: true\n",
    "package.json": '{ "name": "empty", "main": "index.ts" }\n',
    "tsconfig.json": '{ "compilerOptions": { "module": "commonjs", "types": [] } }\n',
    "index.ts": "export {};\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  symlinkSync(join(projectRoot, "node_modules"), join(cwd, "node_modules"));
  const own = { ...env, PULUMI_BACKEND_URL: pathToFileURL(join(cwd, "state")).href };
  await execa("pulumi", ["stack", "init", "empty", "--non-interactive"], { cwd, env: own, stdin: "ignore" });
  const engine = { cwd, env: own, where: ["--stack", "empty"], signal };
  await runEngine(engine, ["up", "--yes", "--skip-preview"]);
  return engine;
}

const median = (values: readonly number[]): number => percentile(values, 0.5);

/** The rows of an update and a preview that change nothing. Needs a stack that is up. */
export async function engineFigures(around: Surroundings): Promise<Figure[]> {
  const { stack, env, signal } = around;
  const empty = await emptyProject(around);
  const ours = { cwd: projectRoot, env, where: ["--stack", stack.name, "--config-file", stack.file], signal };
  const times = { make: [], up: [], emptyUp: [], preview: [], policies: [], emptyPreview: [] } as Record<
    string,
    number[]
  >;
  const took = (what: string, { ms }: { ms: number }): void => {
    times[what]?.push(ms);
  };
  await step(`Updates and previews that change nothing, up to ${rounds} of each kind`, async (progress) => {
    const started = performance.now();
    for (let round = 0; round < rounds && performance.now() - started < enoughMs; round++) {
      const made = await makeUp({ signal, progress });
      took("make", made);
      took("up", { ms: made.timings.steps[`Stack ${stack.name}: update`] ?? Number.NaN });
      progress.detail(`round ${round + 1} of ${rounds}: empty program and previews`);
      took("emptyUp", await runEngine(empty, ["up", "--yes", "--skip-preview"]));
      took("preview", await runEngine(ours, ["preview", "--diff"]));
      took("policies", await runEngine(ours, ["preview", "--diff", ...policyArguments(stack)]));
      took("emptyPreview", await runEngine(empty, ["preview", "--diff"]));
    }
  });
  const row = (figure: string, key: string, referenceKey: string, against: string): Figure => ({
    figure: `${figure}, median of ${times[key]?.length ?? 0}`,
    unit: "ms",
    ours: median(times[key] ?? []),
    reference: median(times[referenceKey] ?? []),
    against,
  });
  const emptyUp = "pulumi up of an empty program, same engine";
  const emptyPreview = "pulumi preview of an empty program, same engine";
  return [
    row("no-op make up, first program included", "make", "emptyUp", emptyUp),
    row("  no-op pulumi up in it", "up", "emptyUp", emptyUp),
    row("preview", "preview", "emptyPreview", emptyPreview),
    row("preview with the policies, as make preview", "policies", "emptyPreview", emptyPreview),
  ];
}
