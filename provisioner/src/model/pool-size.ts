// How many idle pods a pool is to have: a number, or one that follows use as a HorizontalPodAutoscaler's does. Pure.
import { z } from "zod";

/** The most idle pods of one environment. */
const most = 500;

function whole(minimum: number, maximum: number, unit = "") {
  const error = ({ input }: { input?: unknown }): string =>
    `is ${input === undefined ? "not set" : JSON.stringify(input)}, but must be a whole number${unit} from ${minimum} to ${maximum}`;
  return z.int({ error }).min(minimum, { error }).max(maximum, { error });
}

/** The part of an environment's record that says how large its pool is. */
export const poolRecord = z
  .object({
    /** Idle pods to be kept: so many, or at least so many. */
    size: whole(0, most),
    autoscaling: z
      .object({
        /** The most idle pods. */
        max: whole(1, most),
        /** How many of the environment's pods are to be somebody's, in percent; the rest is idle. */
        targetUtilization: whole(1, 99, " of percent"),
        /** For how long fewer must have been enough before there are fewer. */
        scaleDownSeconds: whole(0, 3600, " of seconds").default(300),
      })
      .optional(),
  })
  .check(({ value: { size, autoscaling }, issues }) => {
    if (autoscaling !== undefined && autoscaling.max < size)
      issues.push({
        code: "custom",
        path: ["autoscaling", "max"],
        input: autoscaling.max,
        message: `is ${autoscaling.max}, but must be at least pool.size, which is ${size}`,
      });
  });

/** How large a pool is to be. */
export type PoolTarget = z.output<typeof poolRecord>;

/** How many idle pods were wanted at some time: seconds of any clock that only goes on. */
export interface Recommendation {
  readonly at: number;
  readonly idle: number;
}

/** Those that may still be the highest: ever later and ever lower. */
export type Recommendations = readonly [Recommendation, ...Recommendation[]];

/**
 * How many idle pods make `claimed` the wanted share of all pods, as the average utilization of a HorizontalPodAutoscaler does
 * (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details): the fewest with which the
 * share is not above the target.
 */
export function idleFor(claimed: number, targetUtilization: number): number {
  return Math.ceil((claimed * (100 - targetUtilization)) / targetUtilization);
}

/**
 * Adds what is wanted now to what was wanted before. The first of the result is the highest of the last `windowSeconds`: what to
 * keep, so that a pool grows at once and shrinks only when less has been enough for so long.
 */
export function recommend(
  before: readonly Recommendation[],
  now: Recommendation,
  windowSeconds: number,
): Recommendations {
  const counts = before.filter(({ at, idle }) => now.at - at < windowSeconds && idle > now.idle);
  const [first, ...rest] = counts;
  return first === undefined ? [now] : [first, ...rest, now];
}

/** The number of idle pods within what the pool may have. */
export function bounded(idle: number, { size, autoscaling }: PoolTarget): number {
  return Math.max(size, Math.min(idle, autoscaling?.max ?? size));
}

/** Two pools of one environment, in two clusters, as one. The first says what share is wanted, if it says so. */
export function together(one: PoolTarget, other: PoolTarget): PoolTarget {
  const size = one.size + other.size;
  const follows = one.autoscaling ?? other.autoscaling;
  if (follows === undefined) return { size };
  const max = (one.autoscaling?.max ?? one.size) + (other.autoscaling?.max ?? other.size);
  return { size, autoscaling: { ...follows, max } };
}
