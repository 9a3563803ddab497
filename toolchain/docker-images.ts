// Docker images by name: are they here, and can they be pulled. A registry that cannot be reached is asked once.
import { execa } from "execa";

import { note } from "./progress.js";

/** How long the first try of a registry may take before it counts as out of reach, in seconds. */
const reachSeconds = 8;

/** How long a pull from a registry that has answered may take, in minutes. */
const pullMinutes = 15;

/** Registries that this process found out of reach, with the reason. */
const unreachable = new Map<string, string>();

/** The registry host of an image reference: `docker.io` unless the first part is a host name. */
export function registryOf(ref: string): string {
  const [first = "", ...rest] = ref.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : "docker.io";
}

/** Whether the engine behind `dockerCli` has an image of this name. */
export async function imagePresent(dockerCli: string, ref: string): Promise<boolean> {
  const result = await execa(dockerCli, ["image", "inspect", "--format", "{{.Id}}", ref], {
    reject: false,
    timeout: 20_000,
  });
  return !result.failed;
}

/** Where a registry answers `GET /v2/`: Docker Hub's API has a host name of its own. */
function registryUrl(registry: string): string {
  const scheme = /^(localhost|127\.0\.0\.1)(:|$)/.test(registry) ? "http" : "https";
  return `${scheme}://${registry === "docker.io" ? "registry-1.docker.io" : registry}/v2/`;
}

/** Why a registry cannot be used from here, or undefined when it answers (any HTTP status but a gateway's refusal). */
async function reach(registry: string): Promise<string | undefined> {
  try {
    const response = await fetch(registryUrl(registry), { signal: AbortSignal.timeout(reachSeconds * 1000) });
    // An unauthenticated registry answers 200 or 401; a blocking proxy answers 403, 407 or 5xx.
    return response.status === 200 || response.status === 401 ? undefined : `HTTP ${response.status}`;
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/**
 * Tries to have `ref` on the engine: true when it is there already or could be pulled. Never throws; says why it failed.
 * A registry out of reach costs a few seconds once in a process. The engine may know a mirror that this process cannot
 * see, so after a failed look at the registry the engine itself is asked too, within the same few seconds.
 */
export async function tryPull(dockerCli: string, ref: string): Promise<boolean> {
  if (await imagePresent(dockerCli, ref)) return true;
  const registry = registryOf(ref);
  if (unreachable.has(registry)) return false;
  const obstacle = await reach(registry);
  const timeout = obstacle === undefined ? pullMinutes * 60_000 : reachSeconds * 1000;
  const pull = await execa(dockerCli, ["pull", "--quiet", ref], { reject: false, timeout, stdin: "ignore" });
  if (!pull.failed) return true;
  const reason =
    obstacle ?? (pull.timedOut ? `no image after ${pullMinutes} minutes` : lastLine(pull.stderr));
  if (obstacle !== undefined) unreachable.set(registry, obstacle);
  note(`${ref} cannot be pulled from ${registry}: ${reason}`);
  return false;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
