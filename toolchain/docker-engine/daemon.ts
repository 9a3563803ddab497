// A docker daemon started by hand, where no service manager would: it outlives the command that started it, and the next
// command, whichever checkout it comes from, finds it again.
import { spawn } from "node:child_process";
import {
  closeSync,
  fstatSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "../errors.js";
import { probeEngine } from "./probe.js";

/** Where a daemon keeps what, and the flags it is started with beside those that say so. */
export interface DaemonLayout {
  /** The daemon's program. */
  program: string;
  socket: string;
  pidFile: string;
  /** The daemon's containerd, which it starts and supervises, leaves its process id here. */
  containerdPidFile: string;
  log: string;
  /** Our own note of the process that we started: what tells a daemon of ours from another. */
  marker: string;
  args: readonly string[];
}

/** The machine-wide engine at docker's own default places. */
export const machineDaemon: DaemonLayout = {
  program: "dockerd",
  socket: "/var/run/docker.sock",
  pidFile: "/var/run/docker.pid",
  containerdPidFile: "/var/run/docker/containerd/containerd.pid",
  log: "/var/log/sandlot/dockerd.log",
  marker: "/var/run/sandlot/dockerd.pid",
  args: [],
};

const startMs = 60_000;
const pollMs = 200;
/** A log that is longer is begun anew at the next start. */
const logBytes = 20_000_000;

/** The process that a pid file names, if it is alive and runs the program `name`. */
export function livingProcess(pidFile: string, name: string): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, "utf8").trim());
  return Number.isInteger(pid) && pid > 0 && programOf(pid) === name ? pid : undefined;
}

function programOf(pid: number): string | undefined {
  try {
    const state = /^State:\s*(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return state === "Z" ? undefined : readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Whether the daemon that is running was started by us, in this or an earlier command. */
export function startedByUs(layout: DaemonLayout): boolean {
  const running = livingProcess(layout.pidFile, "dockerd");
  return running !== undefined && running === livingProcess(layout.marker, "dockerd");
}

/** Waits until the daemon answers; its version, or undefined when it does not, or when `givenUp` says so. */
export async function awaitAnswer(
  cli: string,
  layout: DaemonLayout,
  limitMs: number,
  givenUp: () => boolean = () => false,
): Promise<string | undefined> {
  const end = performance.now() + limitMs;
  for (;;) {
    // Asked once more after giving up: another command may have been faster in starting one.
    const last = givenUp() || performance.now() > end;
    const answer = existsSync(layout.socket)
      ? await probeEngine(cli, `unix://${layout.socket}`)
      : { silent: "" };
    if ("version" in answer) return answer.version;
    if (last) return undefined;
    await sleep(pollMs);
  }
}

/**
 * Starts the daemon in a session of its own, its output in a file, and waits until it answers. Containers of a daemon that
 * was killed live on under their shims until the new one, on the same data folder, reaps them.
 * @throws UserError with the end of the daemon's log when it does not come up.
 */
export async function startDaemon(
  cli: string,
  layout: DaemonLayout,
  flags: readonly string[] = [],
): Promise<string> {
  removeRemains(layout);
  for (const path of [layout.log, layout.marker]) mkdirSync(dirname(path), { recursive: true });
  const log = openSync(
    layout.log,
    existsSync(layout.log) && statSync(layout.log).size > logBytes ? "w" : "a",
  );
  const logStart = fstatSync(log).size;
  const daemon = spawn(layout.program, [...layout.args, ...flags], {
    cwd: "/",
    detached: true,
    env: daemonEnvironment(process.env),
    stdio: ["ignore", log, log],
  });
  let ended: string | undefined;
  daemon.on("error", (error) => (ended = error.message));
  daemon.on("exit", (code, signal) => (ended = `it ended with ${signal ?? `status ${code ?? "unknown"}`}`));
  daemon.unref();
  closeSync(log);
  const version = await awaitAnswer(cli, layout, startMs, () => ended !== undefined);
  if (version === undefined) {
    throw new UserError(
      [
        `The docker engine did not come up: ${ended ?? `no answer within ${startMs / 1000} s`}`,
        ...complaints(readFileSync(layout.log).subarray(logStart).toString()).map((line) => `    ${line}`),
      ].join("\n"),
      `The whole log is in ${layout.log}. Common causes: cgroups not mounted (install cgroupfs-mount), no iptables in the kernel, a full disk`,
    );
  }
  if (daemon.pid !== undefined && ended === undefined) writeFileSync(layout.marker, `${daemon.pid}\n`);
  return version;
}

/** What a daemon that was killed left behind and the next one would trip over. */
function removeRemains(layout: DaemonLayout): void {
  // A pid file whose number has gone to another process since makes dockerd refuse to start, or, for containerd's,
  // makes it kill that process.
  if (livingProcess(layout.pidFile, "dockerd") === undefined) rmSync(layout.pidFile, { force: true });
  if (livingProcess(layout.containerdPidFile, "containerd") === undefined) {
    rmSync(layout.containerdPidFile, { force: true });
  }
  for (const pid of orphanedProxies()) process.kill(pid, "SIGTERM");
}

/** Port forwarders whose daemon is gone: they would keep their ports taken. */
function orphanedProxies(): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && programOf(pid) === "docker-proxy")
    .filter((pid) => {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      return parent === undefined || programOf(Number(parent)) !== "dockerd";
    });
}

const inherited = /^(LANG|LC_.*|TZ|TMPDIR|SSL_CERT_.*|https?_proxy|no_proxy|all_proxy)$/i;

/** What the daemon takes from our environment: it outlives us, so only what it needs. */
export function daemonEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => inherited.test(name));
  const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return { ...Object.fromEntries(kept), HOME: "/root", PATH: system };
}

const complaintLines = 8;

/** The last lines of a daemon's log that say what is wrong, or simply the last ones. */
export function complaints(log: string): string[] {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const bad = lines.filter((line) => /level=(error|fatal)|^failed|^unable|panic:/.test(line));
  return (bad.length > 0 ? bad : lines).slice(-complaintLines);
}
