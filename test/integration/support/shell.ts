// Runs programs for tests: in a minute or not at all, and without a word on failure that the caller did not ask for.
import { execa } from "execa";

/** What a program gave; `code` is null when it was stopped at its time limit or could not be started. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** How a program is run: text for its standard input, a folder, added environment, and a limit in milliseconds (default a minute). */
export interface ShellOptions {
  input?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  timeout?: number;
}

/** Runs a program to its end, whatever that is. */
export async function attempt(
  file: string,
  args: readonly string[],
  { input = "", cwd, env, timeout = 60_000 }: ShellOptions = {},
): Promise<Finished> {
  const result = await execa(file, args, { input, cwd, env, timeout, killSignal: "SIGKILL", reject: false });
  return {
    code: result.exitCode ?? null,
    stdout: result.stdout.trim(),
    stderr: result.stderr.trim() || (result.shortMessage ?? ""),
  };
}

/** Standard output of a program that must succeed. */
export async function output(
  file: string,
  args: readonly string[],
  options: ShellOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await attempt(file, args, options);
  if (code === 0) return stdout;
  throw new Error(`${file} ${args.join(" ")} ended with ${String(code)}: ${stderr || stdout}`);
}
