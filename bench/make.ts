// Runs `make` for the stack of the benchmarks, as a person would type it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";
import type { Progress } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import type { Timings } from "../commands/support/timings.js";
import { stackName } from "./surroundings.js";

/** How `make` is run. */
export interface MakeOptions {
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** The checkout; default: this one. */
  readonly root?: string;
  /** The environment, instead of this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** In milliseconds; default: ten minutes. */
  readonly timeout?: number;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A run of `make`: when it was typed (milliseconds since 1970) and how long it took (milliseconds). */
export interface MakeRun {
  readonly startedAt: number;
  readonly ms: number;
}

const tailLines = 20;

/** The environment without what an outer `make` or the user's shell would have a say with. */
function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const overruled = [
    "MAKEFLAGS",
    "MFLAGS",
    "MAKEOVERRIDES",
    "MAKELEVEL",
    "SANDBOX_IMAGE",
    "SKILLS_PATH",
    "COLD",
  ];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !overruled.includes(name)));
}

/** Runs `make <target> STACK=bench` to its end. @throws UserError with its last lines when it fails. */
export async function make(target: string, options: MakeOptions = {}): Promise<MakeRun> {
  const { signal, progress, root = projectRoot, env = process.env, timeout = 600_000 } = options;
  const variables = Object.entries({ STACK: stackName, ...options.variables });
  const args = ["--silent", target, ...variables.map(([name, value]) => `${name}=${value}`)];
  const startedAt = Date.now();
  const started = performance.now();
  const tail: string[] = [];
  const child = execa("make", args, {
    cwd: root,
    env: cleanEnvironment(env),
    extendEnv: false,
    all: true,
    buffer: false,
    reject: false,
    stdin: "ignore",
    timeout,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  for await (const line of child.iterable({ from: "all" })) {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    progress?.detail(line);
  }
  const result = await child;
  const ms = performance.now() - started;
  if (!result.failed) return { startedAt, ms };
  signal?.throwIfAborted();
  const how = result.timedOut ? `was not done after ${timeout / 60_000} minutes` : "failed";
  throw new UserError(
    [`make ${args.slice(1).join(" ")} ${how}:`, ...tail.map((line) => `    ${line}`)].join("\n"),
    "Set right what it names (`make doctor` helps), then measure again.",
  );
}

/** Runs `make up` and reads the timings that it leaves. */
export async function makeUp(options: MakeOptions = {}): Promise<MakeRun & { timings: Timings }> {
  const dir = mkdtempSync(join(tmpdir(), "sandlot-bench-"));
  const file = join(dir, "timings.json");
  const env = { ...(options.env ?? process.env), SANDLOT_TIMINGS: file };
  try {
    const run = await make("up", { ...options, env });
    return { ...run, timings: JSON.parse(readFileSync(file, "utf8")) as Timings };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
