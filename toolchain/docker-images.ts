// Docker images by name: are they here, and can they be pulled. A registry that cannot be reached is asked once.
import { execa } from "execa";

import { httpFailure, httpGet } from "./http.js";
import { note } from "./progress.js";

/** When an image is pulled that the engine may have already: the words of Kubernetes. */
export type PullPolicy = "Always" | "IfNotPresent" | "Never";

/** How long the first try of a registry may take before it counts as out of reach, in milliseconds. */
const reachMs = 8_000;

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

/** Why a registry cannot be used from here, or undefined when it answers (any HTTP status but a gateway's refusal). */
async function reach(registry: string): Promise<string | undefined> {
  // On the engine's own machine, which a proxy does not see and which says at once when nothing is there.
  if (/^(localhost|127\.0\.0\.1)(:|$)/.test(registry)) return undefined;
  // Docker Hub's API has a host name of its own.
  const url = `https://${registry === "docker.io" ? "registry-1.docker.io" : registry}/v2/`;
  try {
    const limits = { connectMs: reachMs, stallMs: reachMs };
    const deadline = AbortSignal.timeout(reachMs);
    const status = await httpGet(url, limits, (response) => Promise.resolve(response.status), deadline);
    // An unauthenticated registry answers 200 or 401; a blocking proxy answers 403, 407 or 5xx.
    return status === 200 || status === 401 ? undefined : `HTTP ${status}`;
  } catch (error) {
    return httpFailure(error);
  }
}

/**
 * How the engine came by `ref` under the policy; undefined if it has it not. Never throws; says why a pull failed.
 * A registry out of reach costs a few seconds once in a process. The engine may know a mirror that this process cannot
 * see, so after a failed look at the registry the engine itself is asked too, within the same few seconds. An image that
 * cannot be renewed (policy Always) is used as it is.
 */
export async function obtainImage(
  dockerCli: string,
  ref: string,
  policy: PullPolicy = "IfNotPresent",
): Promise<"pulled" | "present" | undefined> {
  const present = await imagePresent(dockerCli, ref);
  const atHand = present ? "present" : undefined;
  if (policy === "Never" || (present && policy === "IfNotPresent")) return atHand;
  const obstacle = await pull(dockerCli, ref);
  if (obstacle === undefined) return "pulled";
  note(`${ref} cannot be ${present ? "renewed" : "pulled"} from ${registryOf(ref)}: ${obstacle}`);
  return atHand;
}

/** Whether the engine has `ref`, after a pull if the policy asks for one: {@link obtainImage}. */
export async function tryPull(dockerCli: string, ref: string, policy?: PullPolicy): Promise<boolean> {
  return (await obtainImage(dockerCli, ref, policy)) !== undefined;
}

/** Why the image was not pulled; undefined if it was. */
async function pull(dockerCli: string, ref: string): Promise<string | undefined> {
  const registry = registryOf(ref);
  const known = unreachable.get(registry);
  if (known !== undefined) return known;
  const obstacle = await reach(registry);
  const timeout = obstacle === undefined ? pullMinutes * 60_000 : reachMs;
  const result = await execa(dockerCli, ["pull", "--quiet", ref], {
    reject: false,
    timeout,
    stdin: "ignore",
  });
  if (!result.failed) return undefined;
  if (obstacle !== undefined) unreachable.set(registry, obstacle);
  return obstacle ?? (result.timedOut ? `no image after ${pullMinutes} minutes` : lastLine(result.stderr));
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
