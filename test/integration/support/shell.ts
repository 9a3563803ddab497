// Runs programs for tests. (The package that the toolchain uses for this cannot be required from CommonJS.)
import { spawn } from "node:child_process";

/** What a program gave; `code` is null when it was stopped at its time limit. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** How a program is run: bytes for its standard input, a folder, and a limit in milliseconds (default a minute). */
export interface ShellOptions {
  input?: string;
  cwd?: string;
  timeout?: number;
}

/** Runs a program to its end, whatever that is. */
export function attempt(
  file: string,
  args: readonly string[],
  options: ShellOptions = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      timeout: options.timeout ?? 60_000,
      killSignal: "SIGKILL",
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.on("error", () => undefined); // a program may end without reading all
    child.on("error", reject);
    child.on("close", (code) => {
      resolve({
        code,
        stdout: Buffer.concat(out).toString().trim(),
        stderr: Buffer.concat(err).toString().trim(),
      });
    });
    child.stdin.end(options.input ?? "");
  });
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
