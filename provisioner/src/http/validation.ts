// What zod found in a request, as a list of fields and sentences: what was given, and what it must be.
import type { z } from "zod";

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

/** The same errors with what `given` has in their places: "is 0, but must be …". What is `hidden`, by its first field, is not shown. */
export function withValues(
  errors: readonly FieldError[],
  given: unknown,
  hidden: readonly string[],
): FieldError[] {
  return errors.map(({ path, message }) => {
    const value = hidden.includes(String(path[0])) ? undefined : shown(valueAt(given, path));
    return {
      path,
      message: value === undefined || !message.startsWith("must ") ? message : `${value}, but ${message}`,
    };
  });
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

function valueAt(given: unknown, path: FieldError["path"]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    given,
  );
}

/** zod's own messages say what it is called in code; those that a schema gives say it as it is, and stay. */
function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${types[issue.expected] ?? issue.expected}`;
    case "too_small":
      return `must ${counted[issue.origin] ?? "be"} at least ${issue.minimum}${units[issue.origin] ?? ""}`;
    case "too_big":
      return `must ${counted[issue.origin] ?? "be"} at most ${issue.maximum}${units[issue.origin] ?? ""}`;
    case "invalid_value":
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
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
const counted: Readonly<Record<string, string>> = { string: "have", array: "have" };
const units: Readonly<Record<string, string>> = { string: " characters", array: " entries" };
