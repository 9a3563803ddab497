// Starts the real sandbox server on a free port of this machine, with a folder of its own as home.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { SandboxClient } from "../../support/sandbox-client";

/** A running server. `logs` are the lines that it has written so far. */
export interface Server {
  client: SandboxClient;
  home: string;
  child: ChildProcess;
  logs: string[];
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a server; `env` overrides its settings. */
export async function startServer(env: Record<string, string> = {}): Promise<Server> {
  // The toolchain is ESM; these tests are CommonJS.
  const { buildSandboxd } = await import("../../../toolchain/sandbox-image/binary.js");
  const binary = await buildSandboxd();
  const home = realpathSync(mkdtempSync(join(tmpdir(), "sandboxd-test-")));
  const child = spawn(binary, [], {
    env: { PATH: process.env["PATH"], SANDBOXD_ADDRESS: "127.0.0.1:0", SANDBOXD_HOME: home, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<number | null>((resolve) =>
    child.once("exit", (code) => {
      resolve(code);
    }),
  );
  const logs: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      logs.push(line);
      const entry = JSON.parse(line) as { msg: string; address?: string };
      if (entry.msg === "listening" && entry.address !== undefined) resolve(entry.address);
    });
    void exited.then((code) => {
      reject(new Error(`the server ended with ${String(code)}`));
    });
  });
  return {
    client: new SandboxClient(`http://${address}`),
    home,
    child,
    logs,
    stop: async (signal = "SIGTERM") => {
      child.kill(signal);
      const code = await exited;
      rmSync(home, { recursive: true, force: true });
      return code;
    },
  };
}

/** Whether a process is alive (a zombie is not). */
export async function alive(client: SandboxClient, pid: string): Promise<boolean> {
  const { body } = await client.bash(
    `grep -q '^State:.[^Z]' /proc/${pid}/status 2>/dev/null && echo yes || echo no`,
  );
  return body.data.stdout === "yes\n";
}

/** Waits until `check` holds. */
export async function until(
  check: () => Promise<boolean> | boolean,
  what: string,
  limitMs = 5000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
