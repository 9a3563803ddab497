// What arguments a resource takes: their types, limits and defaults, which of them force a replacement. One table per
// resource drives Check (clear refusals, defaults) and Diff.
import { containsUnknown, isObject, sameValue, Unknown, type Properties, type Value } from "./values.js";

/** The type of an argument. A set is a list whose order means nothing. */
export type Type =
  | { kind: "text"; oneOf?: readonly string[]; pattern?: RegExp; form?: string }
  | { kind: "integer"; min?: number; max?: number }
  | { kind: "boolean" }
  | { kind: "any" }
  | { kind: "list"; of: Type }
  | { kind: "set"; of: Type }
  | { kind: "map" }
  | { kind: "object"; fields: Schema };

/** One argument. */
export interface Field {
  type: Type;
  required?: boolean;
  /** Set when the argument is absent. */
  default?: string | number | boolean;
  /** A change makes a new resource; otherwise it is updated in place. */
  replaces?: boolean;
}

/** The arguments of a resource or of an object in it, by name. */
export type Schema = Record<string, Field>;

/** Why an argument was refused. */
export interface Failure {
  property: string;
  reason: string;
}

/** The name under which the official providers keep which arguments they filled in themselves. */
export const defaultsKey = "__defaults";

export const text: Type = { kind: "text" };
export const boolean: Type = { kind: "boolean" };
export const integer: Type = { kind: "integer" };
export const map: Type = { kind: "map" };
export const list = (of: Type): Type => ({ kind: "list", of });
export const set = (of: Type): Type => ({ kind: "set", of });
export const object = (fields: Schema): Type => ({ kind: "object", fields });
export const oneOf = (...allowed: string[]): Type => ({ kind: "text", oneOf: allowed });
export const between = (min: number, max?: number): Type => ({
  kind: "integer",
  min,
  ...(max === undefined ? {} : { max }),
});

/** Checks plain `inputs` against the schema. `explain` says why an argument that is not in it is refused. */
export function validate(
  schema: Schema,
  inputs: Properties,
  explain: (argument: string) => string,
  path = "",
): Failure[] {
  const failures: Failure[] = [];
  for (const key of Object.keys(inputs)) {
    if (key in schema || key === defaultsKey) continue;
    failures.push({ property: path + key, reason: explain(path + key) });
  }
  for (const [key, field] of Object.entries(schema)) {
    const value = inputs[key];
    if (value === undefined) {
      if (field.required === true)
        failures.push({ property: path + key, reason: `the argument ${path}${key} is missing` });
      continue;
    }
    failures.push(...validateValue(field.type, value, path + key, explain));
  }
  return failures;
}

function validateValue(
  type: Type,
  value: Value,
  path: string,
  explain: (argument: string) => string,
): Failure[] {
  if (value instanceof Unknown) return [];
  const refuse = (allowed: string): Failure[] => [
    { property: path, reason: `${path} is ${JSON.stringify(value)}; allowed: ${allowed}` },
  ];
  switch (type.kind) {
    case "any":
      return [];
    case "boolean":
      return typeof value === "boolean" ? [] : refuse("true or false");
    case "text":
      return typeof value === "string" && acceptsText(type, value) ? [] : refuse(describeText(type));
    case "integer":
      return typeof value === "number" &&
        Number.isInteger(value) &&
        value >= (type.min ?? -Infinity) &&
        value <= (type.max ?? Infinity)
        ? []
        : refuse(describeInteger(type));
    case "map":
      if (!isObject(value)) return refuse("a map of texts");
      return Object.entries(value).flatMap(([key, item]) =>
        validateValue(text, item, `${path}.${key}`, explain),
      );
    case "object":
      return isObject(value) ? validate(type.fields, value, explain, `${path}.`) : refuse("an object");
    case "list":
    case "set":
      if (!Array.isArray(value)) return refuse("a list");
      return value.flatMap((item, index) => validateValue(type.of, item, `${path}[${index}]`, explain));
  }
}

function acceptsText(type: Type & { kind: "text" }, value: string): boolean {
  return (type.oneOf?.includes(value) ?? true) && (type.pattern?.test(value) ?? true);
}

function describeText(type: Type & { kind: "text" }): string {
  return type.oneOf?.map((item) => JSON.stringify(item)).join(", ") ?? type.form ?? "a text";
}

function describeInteger({ min, max }: Type & { kind: "integer" }): string {
  if (min === undefined) return "a whole number";
  return max === undefined ? `a whole number, at least ${min}` : `a whole number from ${min} to ${max}`;
}

/** The inputs with defaults filled in, and their names under {@link defaultsKey}, as the official providers do. */
export function withDefaults(schema: Schema, inputs: Properties): Properties {
  const out: Properties = { ...inputs };
  const filled = new Set<string>();
  for (const [key, field] of Object.entries(schema)) {
    const value = out[key];
    if (value !== undefined) out[key] = fillNested(field.type, value);
    else if (field.default !== undefined) {
      out[key] = field.default;
      filled.add(key);
    }
  }
  out[defaultsKey] = [...filled].sort();
  return out;
}

function fillNested(type: Type, value: Value): Value {
  if (type.kind === "object" && isObject(value)) return withDefaults(type.fields, value);
  if ((type.kind === "list" || type.kind === "set") && Array.isArray(value)) {
    return value.map((item) => fillNested(type.of, item));
  }
  return value;
}

/** A change of one property, at the most exact path that can be told. */
export interface Change {
  path: string;
  kind: "add" | "delete" | "update";
  replaces: boolean;
}

/** What changes from `olds` to `news`, both plain inputs with defaults. Something unknown counts as a change. */
export function changesBetween(schema: Schema, olds: Properties, news: Properties): Change[] {
  return Object.entries(schema).flatMap(([key, field]) =>
    changesIn(field.type, olds[key], news[key], key).map((change) => ({
      ...change,
      replaces: field.replaces === true,
    })),
  );
}

function changesIn(type: Type, old: Value, now: Value, path: string): Omit<Change, "replaces">[] {
  const before = canonical(type, old);
  const after = canonical(type, now);
  if (sameValue(before, after) && !containsUnknown(after)) return [];
  if (before === undefined) return [{ path, kind: "add" }];
  if (after === undefined) return [{ path, kind: "delete" }];
  if (type.kind === "object" && isObject(before) && isObject(after)) {
    return Object.entries(type.fields).flatMap(([key, field]) =>
      changesIn(field.type, before[key], after[key], `${path}.${key}`),
    );
  }
  if (type.kind === "map" && isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => changesIn(text, before[key], after[key], `${path}${propertyStep(key)}`));
  }
  if (
    type.kind === "list" &&
    Array.isArray(before) &&
    Array.isArray(after) &&
    before.length === after.length
  ) {
    return after.flatMap((item, index) => changesIn(type.of, before[index], item, `${path}[${index}]`));
  }
  return [{ path, kind: "update" }];
}

/** A map's key in a property path. */
function propertyStep(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** The value with what carries no meaning taken away: the notes on defaults, empty lists, the order of sets. */
export function canonical(type: Type, value: Value): Value {
  if (value === undefined || value === null) return undefined;
  if (type.kind === "object" && isObject(value)) {
    return Object.fromEntries(
      Object.entries(type.fields).map(([key, field]) => [key, canonical(field.type, value[key])]),
    );
  }
  if (type.kind === "map" && isObject(value)) return Object.keys(value).length === 0 ? undefined : value;
  if ((type.kind === "list" || type.kind === "set") && Array.isArray(value)) {
    if (value.length === 0) return undefined;
    const items = value.map((item) => canonical(type.of, item));
    if (type.kind === "list") return items;
    const keyed = items.map((item) => ({ item, key: item instanceof Unknown ? "" : JSON.stringify(item) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ item }) => item);
  }
  return value;
}
