// When a sandbox is over, and why.
import type { Sandbox } from "./sandbox.js";

/** Why a sandbox was deleted by us and not by its owner. */
export const reapReasons = [
  "soft-timeout",
  "idle-timeout",
  "hard-timeout",
  "failed",
  "never-started",
  "duplicate",
  "never-handed-over",
] as const;

/** One of {@link reapReasons}. */
export type ReapReason = (typeof reapReasons)[number];

/** How long what is over stays. Seconds. */
export interface ReapRules {
  /** A failed sandbox stays this long, so that its owner sees that it failed. */
  readonly failedSeconds: number;
  /** A sandbox that does not answer this long after it was asked for is given up. */
  readonly startSeconds: number;
}

/**
 * How long ago things happened to a sandbox, or how long until they do where that is less than 0. Seconds that went by, and not
 * differences between times of a clock that somebody may have set meanwhile.
 */
export interface Ages {
  readonly claimed: number;
  /** See `PodFacts.changedAt`. */
  readonly changed: number | undefined;
  /** The latest activity that anybody knows of. */
  readonly active: number;
  readonly expired: number;
  readonly hardExpired: number;
  /** Since it should have been gone; undefined: it is not being deleted. */
  readonly overdue: number | undefined;
}

/** A kubelet ends a pod within a second or two after its grace; one that has not by then is gone with its node. Seconds. */
const stuckSeconds = 10;

/** Whether it is being deleted, and nobody is there who ends it: its node is lost. It may stay so forever. */
export function isStuck({ overdue }: Pick<Ages, "overdue">): boolean {
  return overdue !== undefined && overdue >= stuckSeconds;
}

/** A failed sandbox, and how long it has been so. Seconds. */
export interface Failed<S> {
  readonly sandbox: S;
  readonly failed: number;
}

/** How many failed sandboxes stay to be seen, each for as long as they do at most. */
export interface MostFailed {
  readonly ofTenant: number;
  /** Of all tenants. */
  readonly together: number;
}

/**
 * Failed ones use nothing and count for nobody's quota. Only where each has a Service do they keep something from those that live:
 * the namespace's quota of Services has room for so many beside theirs (components/sandbox-platform/services.ts).
 */
export function mostFailed(haveServices: boolean): MostFailed {
  return haveServices ? { ofTenant: 1, together: 10 } : { ofTenant: 20, together: Infinity };
}

/**
 * Those of failed sandboxes that go before their time, so that there are no more than `most`, the latest: a tenant could have
 * thousands made and fail.
 */
export function surplusFailed<S extends Pick<Sandbox, "tenant">>(
  all: readonly Failed<S>[],
  most: MostFailed,
): S[] {
  const kept = new Map<string, number>();
  let together = 0;
  return all
    .toSorted((one, other) => one.failed - other.failed)
    .flatMap(({ sandbox }) => {
      const ofTenant = kept.get(sandbox.tenant) ?? 0;
      if (ofTenant >= most.ofTenant || together >= most.together) return [sandbox];
      kept.set(sandbox.tenant, ofTenant + 1);
      together += 1;
      return [];
    });
}

/** The reason for which a sandbox is over now, if it is. */
export function verdict(sandbox: Sandbox, ages: Ages, rules: ReapRules): ReapReason | undefined {
  const { claimed, changed, active, expired, hardExpired } = ages;
  if (sandbox.state === "stopping") return undefined;
  if (hardExpired >= 0) return "hard-timeout";
  if (expired >= 0) return "soft-timeout";
  if (sandbox.state === "failed") return (changed ?? active) >= rules.failedSeconds ? "failed" : undefined;
  if (!sandbox.everReady && claimed >= rules.startSeconds) return "never-started";
  if (sandbox.idleSeconds !== undefined && active >= sandbox.idleSeconds) return "idle-timeout";
  return undefined;
}
