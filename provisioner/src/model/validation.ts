// What zod found in what somebody wrote, a request or a file, as fields and sentences: what was given, and what it must be.
import { z } from "zod";

/** An object that takes no other fields than these, and says so by their names. */
export const strict = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys"
        ? `is not known here: what is known is ${Object.keys(shape).join(", ")}`
        : undefined,
  });

/** One thing that is wrong. */
export interface FieldError {
  readonly path: (string | number)[];
  readonly message: string;
}

/** One entry for each field. A message is the rest of a sentence that begins with the field: "must be …". */
export function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({ path: [...path, key], message: issue.message }));
    return [{ path, message: ruleOf(issue) }];
  });
}

/** Whether what stands at a place is not to be shown, because it may be a secret. */
export type Hidden = (path: FieldError["path"]) => boolean;

/** The same errors with what `given` has in their places: "is 0, but must be …". */
export function withValues(
  errors: readonly FieldError[],
  given: unknown,
  hidden: Hidden = () => false,
): FieldError[] {
  return errors.map(({ path, message }) => {
    const there = valueAt(given, path);
    // How long something is can be said of what is not shown, too.
    const value =
      (hidden(path) ? undefined : shown(there)) ??
      (message.startsWith("must have ") ? lengthOf(there) : undefined);
    return {
      path,
      message: value === undefined || !message.startsWith("must ") ? message : `${value}, but ${message}`,
    };
  });
}

/** The mistakes in a file, each with its place: "tenants.acme.quota.cpu: is "many", but must be …". */
export function mistakes(error: z.ZodError, given: unknown, hidden?: Hidden): string[] {
  return withValues(fieldErrors(error), given, hidden).map(
    ({ path, message }) => `${path.join(".") || "its root"}: ${message}`,
  );
}

/** Of a text; the rest of it says no more. Characters. */
const longestShown = 140;

/** Nothing for what is too large to be shown, or may hold what is not to be. */
function shown(value: unknown): string | undefined {
  if (value === undefined) return "is not given";
  if (typeof value === "object" && value !== null) return undefined;
  const long = typeof value === "string" && value.length > longestShown;
  return `is ${JSON.stringify(long ? `${value.slice(0, longestShown)}…` : value)}`;
}

function lengthOf(value: unknown): string | undefined {
  if (typeof value === "string") return `has ${counted(value.length, characters)}`;
  return Array.isArray(value) ? `has ${counted(value.length, entries)}` : undefined;
}

function valueAt(given: unknown, path: FieldError["path"]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    given,
  );
}

/** zod's own messages, which begin with a capital letter, say what it is called in code; those that a schema gives stay. */
function ruleOf(issue: z.core.$ZodIssue): string {
  if (/^[a-z]/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return `must be ${types[issue.expected] ?? issue.expected}`;
    case "too_small":
      return `must ${amount("at least", issue.minimum, issue.origin)}`;
    case "too_big":
      return `must ${amount("at most", issue.maximum, issue.origin)}`;
    case "invalid_value":
      return `must be ${issue.values.length === 1 ? "" : "one of "}${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "invalid_key":
      // The field is named by the key, so what is wrong with the key is all that is to be said.
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
}

const types: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

/** What lengths are counted in: one, and several. */
type Unit = readonly [string, string];
const characters: Unit = ["character", "characters"];
const entries: Unit = ["entry", "entries"];
const units: Readonly<Record<string, Unit>> = { string: characters, array: entries };

function amount(bound: string, count: number | bigint, origin: string): string {
  const unit = units[origin];
  return unit === undefined ? `be ${bound} ${count}` : `have ${bound} ${counted(count, unit)}`;
}

function counted(count: number | bigint, [one, several]: Unit): string {
  return `${count} ${count === 1 ? one : several}`;
}
