// One thing that a machine must have or be: found or not, and the way to it.
import { UserError } from "../errors.js";

/** The outcome of looking at one prerequisite. */
export interface Check {
  /** What was looked at, such as `Node.js` or `port 8080`. */
  name: string;
  ok: boolean;
  /** What is there, such as `20.20.2`, or why it is not good enough. */
  found: string;
  /** What must be there, such as `20.19.0 or newer`. */
  needed: string;
  /** What to do when it is not; empty when it is. */
  remedy: string;
}

/** A check that has passed. */
export function passed(name: string, found: string, needed: string): Check {
  return { name, ok: true, found, needed, remedy: "" };
}

/** A check that has failed, and the way out. */
export function failed(name: string, found: string, needed: string, remedy: string): Check {
  return { name, ok: false, found, needed, remedy };
}

/**
 * Goes on only if all have passed.
 * @throws UserError with every failed check and its remedy, not just the first.
 */
export function requireAll(checks: readonly Check[]): void {
  const bad = checks.filter((check) => !check.ok);
  if (bad.length === 0) return;
  throw new UserError(
    bad.map((check) => `${check.name}: ${check.found}; needed: ${check.needed}`).join("\n"),
    bad.map((check) => (bad.length > 1 ? `${check.name}: ${check.remedy}` : check.remedy)).join("\n"),
  );
}
