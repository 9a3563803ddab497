// Runs a program with its output in a log file and its latest line as the step's detail.
import { createWriteStream } from "node:fs";
import { join } from "node:path";

import { execa, type Options } from "execa";

import { UserError } from "./errors.js";
import { stateFolder } from "./paths.js";
import type { Progress } from "./progress.js";

/** How {@link run} is called: the working folder, added environment, the log's name (default: the program's). */
export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  log?: string;
  progress?: Progress;
}

const tailLines = 15;

/**
 * Runs `file` with `args` and waits for it. Output goes to `.sandlot/log/<log>.log`.
 * @throws UserError with the last lines of output and the log's path when it fails.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const logFile = join(stateFolder("log"), `${options.log ?? file.split("/").at(-1) ?? file}.log`);
  const log = createWriteStream(logFile, { flags: "a" });
  const tail: string[] = [];
  const settings = {
    cwd: options.cwd,
    env: options.env,
    all: true,
    buffer: false,
    stdin: "ignore",
  } satisfies Options;
  log.write(`$ ${[file, ...args].join(" ")}\n`);
  try {
    const child = execa(file, args, settings);
    for await (const line of child.iterable({ from: "all" })) {
      log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > tailLines) tail.shift();
      options.progress?.detail(line);
    }
    await child;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new UserError(
      [reason, ...tail.map((line) => `    ${line}`)].join("\n"),
      `The whole output is in ${logFile}`,
      {
        cause: error,
      },
    );
  } finally {
    log.end();
  }
}

/** Standard output of a short program, trimmed; undefined when it cannot be run or fails. */
export async function tryOutput(
  file: string,
  args: readonly string[],
  options: Options = {},
): Promise<string | undefined> {
  const result = await execa(file, args, { timeout: 10_000, ...options, reject: false });
  return result.failed || typeof result.stdout !== "string" ? undefined : result.stdout.trim();
}
