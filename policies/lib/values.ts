// Properties in a preview can be unknown, and reading one throws. Here they become a value of their own, so that a rule can
// judge what is known and leave the rest to the update, where all is.
import * as policy from "@pulumi/policy";

// Exported since 1.21, but left out of the package's type declarations.
const { UnknownValueError } = policy as unknown as { UnknownValueError: new (...args: never[]) => Error };

/** A value that is not known before the update. */
export const unknown: unique symbol = Symbol("unknown");

/** A property's value. */
export type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | typeof unknown
  | Value[]
  | { [key: string]: Value };

/** The value with everything unknown in it replaced by {@link unknown}. */
export function settle(value: unknown): Value {
  if (Array.isArray(value))
    return Array.from({ length: value.length }, (_, i) => take(() => value[i] as unknown));
  if (typeof value === "object" && value !== null) {
    const fields = value as Record<string, unknown>;
    return Object.fromEntries(Object.keys(fields).map((key) => [key, take(() => fields[key])]));
  }
  return value as Value;
}

function take(read: () => unknown): Value {
  try {
    return settle(read());
  } catch (error) {
    if (error instanceof UnknownValueError) return unknown;
    throw error;
  }
}

/** The value at a path; {@link unknown} if something on the way is. */
export function at(value: Value, ...path: (string | number)[]): Value {
  let found = value;
  for (const key of path) {
    if (found === unknown) return unknown;
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as { [key: string]: Value })[key];
  }
  return found;
}

/** The list at a path; empty if there is none or it is unknown. */
export function listAt(value: Value, ...path: (string | number)[]): Value[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The text at a path; undefined if there is none or it is unknown. */
export function textAt(value: Value, ...path: (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** The fields of the object at a path; none if there is no object or it is unknown. */
export function fieldsAt(value: Value, ...path: (string | number)[]): [string, Value][] {
  const found = at(value, ...path);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}

/** Whether a value may be `expected`: it is, or it is not known yet. */
export function mayBe(value: Value, expected: Value): boolean {
  return value === unknown || value === expected;
}

/** Whether two values may be the same: they are, or one of them is not known yet. */
export function mayEqual(one: Value, other: Value): boolean {
  return one === unknown || mayBe(other, one);
}

/** Whether there may be a value: there is one, or it is not known yet. */
export function mayExist(value: Value): boolean {
  return value !== undefined && value !== null;
}

/** Whether there is a value, and it is known. */
export function isKnown(value: Value): boolean {
  return value !== unknown && mayExist(value);
}
