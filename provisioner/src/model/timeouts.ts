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
