// The arithmetic of a pool: what to create and what to delete, from what there is. Pure, so that it can be tried to the end.
import { hasTime, type DeadlineRules } from "./deadline.js";
import type { IdlePod } from "./sandbox.js";

/** How a pool is kept. Times are seconds. */
export interface PoolRules extends DeadlineRules {
  /** Pods that are to be idle and Ready. */
  readonly size: number;
  /** The revision that pods are to be made from; undefined: none is to be. */
  readonly revision: string | undefined;
  /** A pod that is not Ready after this is given up. */
  readonly startSeconds: number;
  /** The most pods that may be on their way at once, so that starting ones do not slow each other and claims down. */
  readonly maxStarting: number;
}

/** How old an idle pod is, and for how long it has been Ready or not. Seconds. */
export interface IdleAges {
  readonly age: number;
  /** See `PodFacts.changedAt`. */
  readonly changed: number | undefined;
}

/** A kubelet that starts anew has its pods unready for seconds; one that is unready for longer does not come back. Seconds. */
const unreadySeconds = 30;

/** What to do. */
export interface PoolPlan {
  readonly create: number;
  readonly remove: readonly IdlePod[];
}

/**
 * Plans one step. `creating` counts create calls that are out and whose pods are not yet among `pods`: without it, a slow
 * answer would make us create twice. `room` is how many pods there may be beyond those that are.
 */
export function planPool(
  pods: readonly IdlePod[],
  creating: number,
  room: number,
  rules: PoolRules,
  ages: (pod: IdlePod) => IdleAges,
): PoolPlan {
  const age = (pod: IdlePod): number => ages(pod).age;
  const givenUp = (pod: IdlePod): boolean =>
    pod.everReady ? (ages(pod).changed ?? 0) > unreadySeconds : age(pod) > rules.startSeconds;
  const dead = (pod: IdlePod): boolean =>
    pod.state === "failed" ||
    pod.revision !== rules.revision ||
    !hasTime(pod, age(pod), rules.hardSeconds) ||
    (pod.state === "starting" && givenUp(pod));
  const present = pods.filter(({ state }) => state !== "stopping");
  const alive = present.filter((pod) => !dead(pod));
  const young = alive.filter((pod) => age(pod) <= rules.maxAgeSeconds);
  const old = alive.filter((pod) => age(pod) > rules.maxAgeSeconds).sort(oldestFirst);

  const starting = young.filter(({ state }) => state === "starting").length + creating;
  const missing = rules.size - young.length - creating;
  const create = Math.max(0, Math.min(missing, rules.maxStarting - starting, room));

  // Old ones serve until young ones stand in for them.
  const ready = young.filter(({ state }) => state === "running").length;
  const spareOld = old.slice(0, Math.max(0, old.length + ready - rules.size));
  // After a resize, or two leaders that followed each other quickly: those that are not Ready go first, then the oldest.
  const surplus = young.length - rules.size;
  const spareYoung = surplus <= 0 ? [] : [...young].sort(leastUseful).slice(0, surplus);
  return { create, remove: [...present.filter(dead), ...spareOld, ...spareYoung] };
}

function oldestFirst(one: IdlePod, other: IdlePod): number {
  return one.createdAt.getTime() - other.createdAt.getTime();
}

function leastUseful(one: IdlePod, other: IdlePod): number {
  const ready = (pod: IdlePod): number => (pod.state === "running" ? 1 : 0);
  return ready(one) - ready(other) || oldestFirst(one, other);
}
