// Turns what zod found into one sentence per mistake: the path, the value, what is allowed, what to do.
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";

import { configSchema } from "./schema";

type Path = readonly PropertyKey[];

/** `["cluster", "ports", 0, "host"]` as `sandlot:cluster.ports[0].host`. */
export function formatPath(path: Path): string {
  const [key, ...rest] = path;
  const inner = rest.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  return key === undefined ? "sandlot" : `sandlot:${String(key)}${inner}`;
}

/** The value at `path`, or undefined. */
export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    root,
  );
}

/** The schema that describes `path`, with optional wrappers taken off. */
function schemaAt(path: Path): z.ZodType | undefined {
  let schema: unknown = configSchema;
  for (const part of path) {
    schema = unwrap(schema);
    if (schema instanceof z.ZodObject) schema = (schema.shape as Record<PropertyKey, unknown>)[part];
    else if (schema instanceof z.ZodArray) schema = schema.element;
    else if (schema instanceof z.ZodRecord) schema = schema.valueType;
    else return undefined;
  }
  schema = unwrap(schema);
  return schema instanceof z.ZodType ? schema : undefined;
}

function unwrap(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ? schema.unwrap() : schema;
}

function allowedAt(path: Path): string {
  for (let length = path.length; length > 0; length--) {
    const allowed = schemaAt(path.slice(0, length))?.meta()?.["allowed"];
    if (typeof allowed === "string") return allowed;
  }
  return "see the configuration reference";
}

/** The nearest of `names`, if it is near enough to be a slip of the keyboard. */
function suggestion(name: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const nearest = closest(name, names);
  return distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3))
    ? ` Did you mean ${nearest}?`
    : "";
}

function shown(value: unknown): string {
  const json = value === undefined ? "missing" : JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** Whether a value at `path` must not be repeated: a secret was written there, or should have been. */
function isHidden(path: Path, value: unknown, secrets: ReadonlySet<string>): boolean {
  if (value === undefined) return false;
  return secrets.has(String(path[0])) || schemaAt(path)?.meta()?.["secret"] === true;
}

/** Of a path that was written as one key, such as `sandbox.replicas`: that its parts go below each other. */
function nested(key: string, names: readonly string[]): string | undefined {
  const [first = "", ...rest] = key.split(".");
  return rest.length > 0 && names.includes(first)
    ? ` Write ${rest.join(".")} in a line of its own below ${first}.`
    : undefined;
}

function unknownKeys(path: Path, keys: readonly string[]): string[] {
  const schema = schemaAt(path);
  const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return keys.map((key) => {
    const hint = nested(key, names) ?? suggestion(key, names);
    return `${formatPath([...path, key])} is not a setting.${hint} Allowed here: ${names.join(", ")}.`;
  });
}

/**
 * One sentence for each issue, in the order of the file.
 * @param secrets the keys, such as `target`, that hold a secret: nothing of what is in them is repeated
 */
export function describeIssues(
  error: z.ZodError,
  input: unknown,
  secrets: ReadonlySet<string> = new Set(),
): string[] {
  return error.issues.flatMap((issue) => {
    const { path } = issue;
    const value = valueAt(input, path);
    const told = isHidden(path, value, secrets) ? "[secret]" : shown(value);
    if (issue.code === "unrecognized_keys") return unknownKeys(path, issue.keys);
    if (issue.code === "custom") return [`${formatPath(path)} is ${told}: ${issue.message}.`];
    const near = issue.code === "invalid_value" ? suggestion(String(value), issue.values.map(String)) : "";
    return [`${formatPath(path)} is ${told}; allowed: ${allowedAt(path)}.${near}`];
  });
}
