// Asks whether an engine answers, and which one. A docker client alone proves nothing.
import { execa } from "execa";

/** The engine's default socket, as a DOCKER_HOST value. */
export const defaultHost = "unix:///var/run/docker.sock";

/** What came of asking for an engine: its version, or why there was no answer. */
export type Probe = { version: string } | { silent: string };

const answerMs = 10_000;

/**
 * Asks the engine at `host` through the client `cli`; with host `''` the one that the client itself would choose
 * (DOCKER_HOST, DOCKER_CONTEXT, the current context, the default socket).
 */
export async function probeEngine(cli: string, host: string): Promise<Probe> {
  const env = host === "" ? {} : { DOCKER_HOST: host };
  const result = await execa(cli, ["version", "--format", "{{.Server.Version}}"], {
    env,
    reject: false,
    timeout: answerMs,
    stdin: "ignore",
  });
  if (!result.failed) return { version: result.stdout.trim() };
  if (result.timedOut) return { silent: `no answer within ${answerMs / 1000} s` };
  const lines = result.stderr.split("\n").map((line) => line.trim());
  return { silent: lines.filter((line) => line !== "").at(-1) ?? result.shortMessage ?? "no reason given" };
}

/** The address that the client's current context stands for; undefined when the client cannot say. */
export async function contextHost(cli: string): Promise<string | undefined> {
  const args = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
  const result = await execa(cli, args, { reject: false, timeout: answerMs, stdin: "ignore" });
  const host = result.failed ? "" : result.stdout.trim();
  return host === "" ? undefined : host;
}

/** The engine's default OCI runtime, such as `runc`; undefined when it does not say. */
export async function defaultRuntime(cli: string, host: string): Promise<string | undefined> {
  const env = host === "" ? {} : { DOCKER_HOST: host };
  const result = await execa(cli, ["info", "--format", "{{.DefaultRuntime}}"], {
    env,
    reject: false,
    timeout: answerMs,
    stdin: "ignore",
  });
  return result.failed ? undefined : result.stdout.trim();
}
