// Runs one command as @pulumi/command does (provider/pkg/provider/local/commandOutputs.go of pulumi/pulumi-command 1.x).
import { spawn, type ChildProcess } from "node:child_process";
import { statSync } from "node:fs";

/** Which of a command's outputs are shown to the user. */
export const loggingModes = ["stdout", "stderr", "stdoutAndStderr", "none"] as const;

/** A command and what it runs with. */
export interface Command {
  command: string;
  interpreter?: readonly string[];
  dir?: string;
  environment?: Readonly<Record<string, string>>;
  stdin?: string;
  logging?: (typeof loggingModes)[number];
}

/** A command's output, without the last newline. */
export interface Output {
  stdout: string;
  stderr: string;
}

/** How long a command that was told to end has before it is killed, in milliseconds. */
const killGraceMs = 5000;

const defaultInterpreter = process.platform === "win32" ? ["cmd", "/C"] : ["/bin/sh", "-c"];

/**
 * Runs the command to its end, each line of output to `onLine` as it comes.
 * @throws Error with the command and all its output when it fails or `signal` ends it.
 */
export async function runCommand(
  { command, interpreter, dir, environment, stdin, logging = "stdoutAndStderr" }: Command,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<Output> {
  if (dir !== undefined && statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(
      `the folder ${JSON.stringify(dir)} (argument dir) does not exist: running ${JSON.stringify(command)}`,
    );
  }
  const [file = "", ...args] = [...(interpreter?.length ? interpreter : defaultInterpreter), command];
  // Its own process group, so that whatever it starts can be ended with it.
  const child = spawn(file, args, {
    cwd: dir,
    env: { ...process.env, ...environment },
    stdio: "pipe",
    detached: process.platform !== "win32",
  });
  const collected = collect(child, logging, onLine);
  child.stdin.on("error", () => undefined); // a command need not read its input
  child.stdin.end(stdin ?? "");
  const failure = await ended(child, signal);
  collected.flush();
  if (failure !== undefined) {
    throw new Error(`${failure}: running ${JSON.stringify(command)}:\n${collected.both()}`);
  }
  return { stdout: trimNewline(collected.stdout()), stderr: trimNewline(collected.stderr()) };
}

function trimNewline(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** Waits for the end of the child; says why when it is not a success. */
async function ended(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
  let force: NodeJS.Timeout | undefined;
  const stop = (): void => {
    endGroup(child, "SIGTERM");
    force = setTimeout(() => {
      endGroup(child, "SIGKILL");
    }, killGraceMs);
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise((resolve) => {
      child.on("error", (error) => {
        resolve(error.message);
      });
      child.on("close", (code, by) => {
        if (signal.aborted) resolve(abortReason(signal));
        else if (code !== 0) resolve(by === null ? `exit status ${code ?? "unknown"}` : `signal: ${by}`);
        else resolve(undefined);
      });
    });
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(force);
  }
}

function abortReason(signal: AbortSignal): string {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason.message : "interrupted";
}

function endGroup(child: ChildProcess, by: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, by);
  } catch {
    // It is gone already.
  }
}

interface Collected {
  stdout(): string;
  stderr(): string;
  both(): string;
  flush(): void;
}

function collect(child: ChildProcess, logging: string, onLine: (line: string) => void): Collected {
  const all: Buffer[] = [];
  const parts: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  const flushes: (() => void)[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    const lines = logging === name || logging === "stdoutAndStderr" ? lineSplitter(onLine) : undefined;
    if (lines !== undefined) flushes.push(lines.flush);
    child[name]?.on("data", (chunk: Buffer) => {
      all.push(chunk);
      parts[name].push(chunk);
      lines?.write(chunk);
    });
  }
  return {
    stdout: () => Buffer.concat(parts.stdout).toString("utf8"),
    stderr: () => Buffer.concat(parts.stderr).toString("utf8"),
    both: () => Buffer.concat(all).toString("utf8"),
    flush: () => {
      for (const flush of flushes) flush();
    },
  };
}

/** Cuts a stream into lines. Characters of several bytes may be split between chunks. */
function lineSplitter(onLine: (line: string) => void): { write: (chunk: Buffer) => void; flush: () => void } {
  const decoder = new TextDecoder();
  let rest = "";
  const emit = (text: string): void => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  };
  return {
    write: (chunk) => {
      emit(decoder.decode(chunk, { stream: true }));
    },
    flush: () => {
      emit(decoder.decode());
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
