// Which of several pods is meant: every replica chooses alike without asking the others.
import { createHash } from "node:crypto";

/**
 * The candidates for `key`, best first, by rendezvous hashing (Thaler and Ravishankar, 1998): replicas that see the same pods
 * try the same one first, so two claims of one id meet at one pod, where the API server lets only one through; claims of
 * different ids go to different pods.
 */
export function ranked<T extends { readonly podName: string }>(key: string, candidates: readonly T[]): T[] {
  return candidates
    .map((candidate) => ({ candidate, weight: weight(key, candidate.podName) }))
    .sort((one, other) => (one.weight < other.weight ? 1 : one.weight > other.weight ? -1 : 0))
    .map(({ candidate }) => candidate);
}

function weight(key: string, podName: string): string {
  return createHash("sha1").update(`${key}\n${podName}`).digest("hex");
}
