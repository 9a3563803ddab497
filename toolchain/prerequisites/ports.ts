// Whether ports of this machine are free, and who has those that are not.
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { tryOutput } from "../run.js";
import { failed, passed, type Check } from "./check.js";

/** What helps to name a port's holder, and to leave our own node out. */
export interface PortOptions {
  /** The address to be bound. Default: all of them. */
  host?: string;
  /** The docker client and engine, to name the container behind a port. */
  docker?: { cli: string; host: string };
  /** A container that may hold the ports: the node that is running already. */
  ownContainer?: string;
}

/** One check for each port. */
export function checkPorts(ports: readonly number[], options: PortOptions = {}): Promise<Check[]> {
  return Promise.all(ports.map((port) => checkPort(port, options)));
}

/** How long a port is waited for whose holder has just gone. */
const releaseMs = 2_000;

/** Whether `port` can be bound, by us or by the container that has it already. */
export async function checkPort(port: number, options: PortOptions = {}): Promise<Check> {
  const end = performance.now() + releaseMs;
  for (;;) {
    const { check, ending } = await lookAt(port, options);
    if (!ending || performance.now() > end) return check;
    await sleep(100);
  }
}

/** The check as it is now, and whether what it found is about to end: a container gives its ports back a moment after it is gone. */
async function lookAt(port: number, options: PortOptions): Promise<{ check: Check; ending: boolean }> {
  const name = `port ${port}`;
  const settled = (check: Check) => ({ check, ending: false });
  const obstacle = await tryBind(port, options.host);
  if (obstacle === undefined) return settled(passed(name, "free", "free"));
  if (obstacle !== "EADDRINUSE") {
    return settled(
      failed(name, `cannot be bound (${obstacle})`, "free", "Choose another in the stack's settings"),
    );
  }
  const container = await containerOn(port, options.docker);
  if (container !== undefined && container === options.ownContainer)
    return settled(passed(name, `held by ${container}`, "free"));
  if (container !== undefined) {
    const remedy = `Stop that container (docker stop ${container}), or choose another port in the stack's settings`;
    return settled(failed(name, `taken by the container ${container}`, "free", remedy));
  }
  const holder = processOn(port);
  if (holder === undefined) {
    const remedy = "End what holds it, or choose another port in the stack's settings";
    return { check: failed(name, "taken", "free", remedy), ending: true };
  }
  const remedy = `End it (kill ${holder.pid}), or choose another port in the stack's settings`;
  return {
    check: failed(name, `taken by ${holder.program} (process ${holder.pid})`, "free", remedy),
    ending: holder.program === "docker-proxy",
  };
}

/** The error's code that binding ends with; undefined when it works. */
function tryBind(port: number, host?: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    server.listen({ port, host, exclusive: true }, () =>
      server.close(() => {
        resolve(undefined);
      }),
    );
  });
}

async function containerOn(port: number, docker: PortOptions["docker"]): Promise<string | undefined> {
  if (docker === undefined) return undefined;
  const env = docker.host === "" ? {} : { DOCKER_HOST: docker.host };
  const args = ["ps", "--filter", `publish=${port}`, "--format", "{{.Names}}"];
  const names = (await tryOutput(docker.cli, args, { env })) ?? "";
  return names === "" ? undefined : names.split("\n")[0];
}

interface Holder {
  pid: number;
  program: string;
}

/** The process that listens on `port`, as far as /proc shows it to this user. */
function processOn(port: number): Holder | undefined {
  const sockets = ["/proc/net/tcp", "/proc/net/tcp6"].filter(existsSync).flatMap((table) => {
    return listeningInodes(readFileSync(table, "utf8"), port);
  });
  if (sockets.length === 0) return undefined;
  const links = new Set(sockets.map((inode) => `socket:[${inode}]`));
  const pid = readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .find((candidate) => holds(candidate, links));
  if (pid === undefined) return undefined;
  try {
    return { pid, program: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
  } catch {
    return undefined; // it has just ended
  }
}

/** The inodes of the sockets that listen on `port`, in the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const listening = "0A";
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const inode = fields[9];
    return fields[1]?.endsWith(suffix) === true && fields[3] === listening && inode !== undefined
      ? [inode]
      : [];
  });
}

function holds(pid: number, links: ReadonlySet<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => {
      try {
        return links.has(readlinkSync(`${folder}/${fd}`));
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
