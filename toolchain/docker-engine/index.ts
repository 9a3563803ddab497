// A docker engine that answers: the one that is there, or one that is installed and started here.
import { existsSync, readFileSync } from "node:fs";

import { canInstall, ensureAptPackages } from "../apt.js";
import { UserError } from "../errors.js";
import { findOnPath } from "../find.js";
import { checkCgroups } from "../prerequisites/kernel.js";
import { note, step, type Progress } from "../progress.js";
import { run } from "../run.js";
import { installWrapper, machineLacksSysResource, wrapperPath, wrapperRuntime } from "./capability.js";
import { awaitAnswer, livingProcess, machineDaemon, startDaemon, startedByUs } from "./daemon.js";
import { contextHost, defaultHost, defaultRuntime, probeEngine } from "./probe.js";

/** An engine that has answered, and how to talk to it. */
export interface DockerEngine {
  /** The DOCKER_HOST value that leads to it; `''` for the default socket, which needs none. */
  host: string;
  /** The docker client's absolute path. */
  cli: string;
  /** The engine's version, such as `20.10.24`. */
  version: string;
  /** Whether this or an earlier command of ours started it, as opposed to the machine's service manager or its user. */
  startedByUs: boolean;
}

const patienceMs = 20_000;

/**
 * Finds an engine that answers (at DOCKER_HOST, in the client's current context, at the default socket, which is also
 * where one is that we started earlier); on Debian and its kin, as root, installs and starts one.
 * @throws UserError when DOCKER_HOST leads nowhere, or no engine answers and none can be started from here.
 */
export async function ensureDocker(): Promise<DockerEngine> {
  const engine = await findEngine();
  if (engine === undefined) return step("Docker engine: install and start", provideEngine);
  await warnOfMissingCapability(engine);
  return engine;
}

/**
 * The engine that answers now, without installing or starting anything; undefined when there is none.
 * @throws UserError when DOCKER_HOST is set and leads nowhere, or this user may not talk to the engine.
 */
export async function findEngine(): Promise<DockerEngine | undefined> {
  const cli = findOnPath("docker");
  const explicit = process.env["DOCKER_HOST"] ?? "";
  if (explicit !== "") return askExplicit(cli, explicit);
  if (cli === undefined) return undefined;
  const chosen = (await contextHost(cli)) ?? defaultHost;
  const answer = await probeEngine(cli, "");
  if ("version" in answer) return describe(cli, chosen === defaultHost ? "" : chosen, answer.version);
  refuseDenied(answer.silent);
  if (chosen === defaultHost) return undefined;
  const fallback = await probeEngine(cli, defaultHost);
  return "version" in fallback ? describe(cli, defaultHost, fallback.version) : undefined;
}

async function askExplicit(cli: string | undefined, host: string): Promise<DockerEngine> {
  const remedy = "Start that engine, correct DOCKER_HOST, or unset it to use the engine of this machine";
  if (cli === undefined) {
    throw new UserError(
      `DOCKER_HOST is ${host}, but there is no docker client on PATH`,
      "Install the docker client",
    );
  }
  const answer = await probeEngine(cli, host);
  if ("version" in answer) return describe(cli, host, answer.version);
  throw new UserError(`DOCKER_HOST is ${host}, but no docker engine answers there: ${answer.silent}`, remedy);
}

function describe(cli: string, host: string, version: string): DockerEngine {
  const local = host === "" || host === defaultHost;
  return { host, cli, version, startedByUs: local && startedByUs(machineDaemon) };
}

function refuseDenied(reason: string): void {
  if (!/permission denied/i.test(reason)) return;
  throw new UserError(
    `There is a docker engine, but this user may not talk to it: ${reason}`,
    "Join its group (sudo usermod -aG docker $USER, then log in again) or run the command as root",
  );
}

async function provideEngine(progress: Progress): Promise<DockerEngine> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) throw noEngine();
  await install(progress);
  const cli = findOnPath("docker");
  if (cli === undefined) throw noEngine();
  const version = await start(cli, progress);
  const engine = { host: "", cli, version, startedByUs: startedByUs(machineDaemon) };
  await warnOfMissingCapability(engine);
  return engine;
}

async function install(progress: Progress): Promise<void> {
  if (findOnPath("dockerd") !== undefined && findOnPath("docker") !== undefined) return;
  if (!canInstall()) throw noEngine();
  note("No docker engine on this machine: installing Debian's package docker.io");
  // Without a service manager the package must not try to start what we start ourselves; run level 1 tells it so.
  const level = process.env["RUNLEVEL"];
  if (serviceCommand() === undefined) process.env["RUNLEVEL"] = "1";
  try {
    await ensureAptPackages(["docker.io", "iptables"], progress);
  } finally {
    if (level === undefined) delete process.env["RUNLEVEL"];
    else process.env["RUNLEVEL"] = level;
  }
  // From Debian 13 on the client is a package of its own.
  if (findOnPath("docker") === undefined) await ensureAptPackages(["docker-cli"], progress);
}

async function start(cli: string, progress: Progress): Promise<string> {
  const running = livingProcess(machineDaemon.pidFile, "dockerd");
  if (running !== undefined) {
    const version = await awaitAnswer(cli, machineDaemon, patienceMs);
    if (version !== undefined) return version;
    throw new UserError(
      `The docker engine (process ${running}) is running but has not answered for ${patienceMs / 1000} s`,
      `Look into its log (${machineDaemon.log} or journalctl -u docker); if it hangs, end it (kill ${running}) and run the command again`,
    );
  }
  const service = serviceCommand();
  if (service !== undefined) {
    await run(service.file, service.args, { log: "docker-service" });
    const version = await awaitAnswer(cli, machineDaemon, patienceMs);
    if (version !== undefined) return version;
    throw new UserError("The docker service was started but does not answer", "See: journalctl -u docker");
  }
  await mountControlGroups(progress);
  return startDaemon(cli, machineDaemon, await runtimeFlags());
}

/** What an init would have done: a machine without one may have no control groups mounted. */
async function mountControlGroups(progress: Progress): Promise<void> {
  if (checkCgroups(readFileSync("/proc/mounts", "utf8")).ok) return;
  note("No control groups are mounted: mounting them as Debian's package cgroupfs-mount does");
  await ensureAptPackages(["cgroupfs-mount", "mount"], progress);
  await run("cgroupfs-mount", [], { log: "docker-service" });
}

async function runtimeFlags(): Promise<string[]> {
  if (!machineLacksSysResource()) return [];
  await installWrapper();
  note(`Root lacks CAP_SYS_RESOURCE here: containers run through ${wrapperPath}, which does without it`);
  return ["--add-runtime", `${wrapperRuntime}=${wrapperPath}`, "--default-runtime", wrapperRuntime];
}

/** How this machine's service manager starts docker; undefined where there is none. */
function serviceCommand(): { file: string; args: string[] } | undefined {
  if (existsSync("/run/systemd/system")) return { file: "systemctl", args: ["start", "docker"] };
  const init = existsSync("/proc/1/comm") ? readFileSync("/proc/1/comm", "utf8").trim() : "";
  return init === "init" ? { file: "service", args: ["docker", "start"] } : undefined;
}

async function warnOfMissingCapability(engine: DockerEngine): Promise<void> {
  const local = engine.host === "" || engine.host === defaultHost;
  if (!local || process.platform !== "linux" || !machineLacksSysResource()) return;
  const runtime = await defaultRuntime(engine.cli, engine.host);
  if (runtime === undefined || runtime === wrapperRuntime) return;
  const settings = `"runtimes": {"${wrapperRuntime}": {"path": "${wrapperPath}"}}, "default-runtime": "${wrapperRuntime}"`;
  if (process.getuid?.() === 0) await installWrapper();
  note(
    "Root lacks CAP_SYS_RESOURCE here, and this engine was not started by us: privileged containers (the node) and",
  );
  note(
    "`docker exec` into them will fail. Stop it and run the command again, which starts one that copes, or add",
  );
  note(`{${settings}} to /etc/docker/daemon.json and restart it`);
}

function noEngine(): UserError {
  const ways: Partial<Record<NodeJS.Platform, string>> = {
    darwin:
      "Start Docker Desktop, OrbStack or colima (brew install colima docker && colima start), then run the command again",
    win32: "Install Docker Desktop, turn on its WSL 2 integration, and run the command inside WSL",
    linux:
      "Start it (sudo systemctl start docker), or install it (Debian, Ubuntu: sudo apt-get install docker.io; others: https://docs.docker.com/engine/install/), then run the command again; as root on Debian or Ubuntu the command does both itself",
  };
  return new UserError(
    "No docker engine answers, and this user cannot install or start one on this machine",
    ways[process.platform] ?? "Install Docker (https://docs.docker.com/engine/install/)",
  );
}
