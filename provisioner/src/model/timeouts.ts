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

/** The reason for which a sandbox is over now, if it is. `lastActiveAt` is the latest that anybody knows of. */
export function verdict(
  sandbox: Sandbox,
  lastActiveAt: Date,
  rules: ReapRules,
  now: Date,
): ReapReason | undefined {
  const since = (moment: Date): number => (now.getTime() - moment.getTime()) / 1000;
  if (sandbox.state === "stopping") return undefined;
  if (since(sandbox.hardExpiresAt) >= 0) return "hard-timeout";
  if (since(sandbox.expiresAt) >= 0) return "soft-timeout";
  if (sandbox.state === "failed") {
    return since(sandbox.changedAt ?? lastActiveAt) >= rules.failedSeconds ? "failed" : undefined;
  }
  if (!sandbox.everReady && since(sandbox.claimedAt) >= rules.startSeconds) return "never-started";
  if (sandbox.idleSeconds !== undefined && since(lastActiveAt) >= sandbox.idleSeconds) return "idle-timeout";
  return undefined;
}
