// Check, Diff and the life of a resource as Pulumi's engine asks for them, over the plain resources of resource.ts.
import { createHash, randomBytes } from "node:crypto";

import type { Context, Plugin, Resource, State } from "./resource.js";
import {
  changesBetween,
  canonical,
  defaultsKey,
  validate,
  withDefaults,
  type Change,
  type Failure,
} from "./schema.js";
import {
  containsSecret,
  containsUnknown,
  isObject,
  markAlike,
  markPropertiesAlike,
  reveal,
  revealProperties,
  sameValue,
  Secret,
  Unknown,
  type Properties,
  type Value,
} from "./values.js";

/** How many random digits the bridge of the official provider appends to a generated name. */
const autonameDigits = 7;

/** The checked inputs, or why they were refused. */
export interface Checked {
  inputs: Properties;
  failures: Failure[];
}

/** What a change of inputs means for a resource. */
export interface Difference {
  changes: Change[];
  deleteBeforeReplace: boolean;
}

/** Why an argument that a stand-in does not know is refused, and the way out. */
export function unsupported(
  plugin: Pick<Plugin, "name" | "version">,
  title: string,
  argument: string,
): string {
  return (
    `Sandlot's stand-in for the ${plugin.name} plugin does not support the argument ${argument} of ${title}. ` +
    `Leave it out, or install the official plugin: pulumi plugin install resource ${plugin.name} ${plugin.version}`
  );
}

/** Checks inputs, fills in defaults and the name. `seed` makes the name the same in preview and update. */
export function check(
  plugin: Plugin,
  resource: Resource,
  logicalName: string,
  olds: Properties,
  news: Properties,
  seed: Uint8Array,
): Checked {
  const plain = revealProperties(news);
  const failures = validate(resource.schema, plain, (argument) =>
    unsupported(plugin, resource.title, argument),
  );
  if (failures.length === 0) failures.push(...(resource.refuse?.(plain) ?? []));
  const filled = withDefaults(resource.schema, plain);
  if (resource.autonamed === true && plain["name"] === undefined) {
    filled["name"] = generatedName(logicalName, revealProperties(olds), seed);
    filled[defaultsKey] = [...(filled[defaultsKey] as string[]), "name"].sort();
  }
  return { inputs: markFilled(filled, news), failures };
}

function generatedName(logicalName: string, olds: Properties, seed: Uint8Array): Value {
  const defaults = olds[defaultsKey];
  if (Array.isArray(defaults) && defaults.includes("name")) return olds["name"];
  const source = seed.length === 0 ? randomBytes(32) : seed;
  return `${logicalName}-${createHash("sha256").update(source).digest("hex").slice(0, autonameDigits)}`;
}

/** Puts the secret marks of `marked` on inputs that differ from them only by defaults filled in. */
function markFilled(plain: Properties, marked: Properties): Properties {
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [key, markFilledValue(value, marked[key])]),
  );
}

function markFilledValue(plain: Value, marked: Value): Value {
  if (marked instanceof Secret) return new Secret(plain);
  if (Array.isArray(plain) && Array.isArray(marked)) {
    return plain.map((item, index) => markFilledValue(item, marked[index]));
  }
  return isObject(plain) && isObject(marked) ? markFilled(plain, marked) : plain;
}

/** What changes between the inputs a resource was made with and new ones. */
export function diff(resource: Resource, oldInputs: Properties, news: Properties): Difference {
  const after = revealProperties(news);
  const before = withoutFilledIn(revealProperties(oldInputs), after);
  const changes = changesBetween(resource.schema, before, after).map((change) => ({
    ...change,
    replaces: resource.replacesOn?.(change.path.split(/[.[]/, 1)[0] ?? "", after) ?? change.replaces,
  }));
  const defaults = after[defaultsKey];
  const nameIsGenerated = Array.isArray(defaults) && defaults.includes("name");
  const nameIsTaken =
    resource.autonamed === true && !nameIsGenerated && sameValue(before["name"], after["name"]);
  const replaced = changes.some((change) => change.replaces);
  return { changes, deleteBeforeReplace: replaced && (resource.deleteBeforeReplace === true || nameIsTaken) };
}

/** The old inputs without those that nobody asked for, then or now. */
function withoutFilledIn(before: Properties, after: Properties): Properties {
  const filled = before[defaultsKey];
  if (!Array.isArray(filled)) return before;
  return Object.fromEntries(
    Object.entries(before).filter(([key]) => after[key] !== undefined || !filled.includes(key)),
  );
}

/** Outputs while nothing is done yet: known where an argument or an old output says so. */
export function previewCreate(resource: Resource, inputs: Properties): Properties {
  const plain = revealProperties(withoutNotes(inputs));
  const unknowns = resource.computed.filter((key) => plain[key] === undefined);
  return markOutputs(
    resource,
    {
      ...plain,
      ...resource.preview?.(plain),
      ...Object.fromEntries(unknowns.map((key) => [key, Unknown.value])),
    },
    inputs,
  );
}

/** {@link previewCreate} for an update. */
export function previewUpdate(resource: Resource, olds: Properties, inputs: Properties): Properties {
  const plain = revealProperties(withoutNotes(inputs));
  const unknowns = resource.computedByUpdate ?? [];
  const kept = Object.entries(revealProperties(olds)).filter(
    ([key]) => !(key in resource.schema) || resource.computed.includes(key),
  );
  return markOutputs(
    resource,
    {
      ...Object.fromEntries(kept),
      ...plain,
      ...Object.fromEntries(unknowns.map((key) => [key, Unknown.value])),
    },
    inputs,
  );
}

/** Makes the resource. */
export async function create(resource: Resource, inputs: Properties, context: Context): Promise<State> {
  requireKnown(resource, inputs);
  const made = await resource.create(revealProperties(withoutNotes(inputs)), context);
  return { id: made.id, outputs: markOutputs(resource, made.outputs, inputs) };
}

/** Updates the resource in place; returns its outputs. */
export async function update(
  resource: Resource,
  id: string,
  olds: Properties,
  inputs: Properties,
  context: Context,
): Promise<Properties> {
  requireKnown(resource, inputs);
  const plain = revealProperties(withoutNotes(inputs));
  return markOutputs(
    resource,
    await resource.update(id, revealProperties(olds), plain, context),
    inputs,
    olds,
  );
}

/** The resource as it is now, with inputs that tell what was changed behind Pulumi's back. */
export async function read(
  resource: Resource,
  id: string,
  inputs: Properties,
  outputs: Properties,
  context: Context,
): Promise<(State & { inputs: Properties }) | undefined> {
  const before = revealProperties(outputs);
  const found = await resource.read(id, before, context);
  if (found === undefined) return undefined;
  const importing = Object.keys(inputs).length === 0;
  const now = importing
    ? importedInputs(resource, found.outputs)
    : driftedInputs(resource, inputs, before, found.outputs);
  return { id: found.id, outputs: markOutputs(resource, found.outputs, now, outputs), inputs: now };
}

/**
 * The arguments that would make the resource that was found, without those that are defaults. What could also have been
 * chosen for want of an argument is noted as filled in: a program need not repeat it.
 */
function importedInputs(resource: Resource, outputs: Properties): Properties {
  const inputs = Object.entries(resource.schema).flatMap(([key, field]): [string, Value][] => {
    const value = outputs[key];
    const empty = canonical(field.type, value) === undefined || value === "" || value === false;
    return empty || value === field.default ? [] : [[key, value]];
  });
  const filled = withDefaults(resource.schema, Object.fromEntries(inputs));
  const chosen = inputs.map(([key]) => key).filter((key) => resource.computed.includes(key));
  return { ...filled, [defaultsKey]: [...(filled[defaultsKey] as string[]), ...chosen].sort() };
}

/** The inputs, with what has changed since `before` taken from `now`. */
function driftedInputs(
  resource: Resource,
  inputs: Properties,
  before: Properties,
  now: Properties,
): Properties {
  const out: Properties = { ...inputs };
  for (const [key, field] of Object.entries(resource.schema)) {
    const same = sameValue(canonical(field.type, before[key]), canonical(field.type, now[key]));
    if (out[key] !== undefined && !same) out[key] = markAlike(now[key], out[key]);
  }
  return out;
}

/** Removes the resource. */
export async function remove(
  resource: Resource,
  id: string,
  outputs: Properties,
  context: Context,
): Promise<void> {
  await resource.delete(id, revealProperties(outputs), context);
}

/** The engine makes no resource with unknown inputs; should it ever, nothing must be done with the placeholders. */
function requireKnown(resource: Resource, inputs: Properties): void {
  const unknown = Object.keys(inputs).find((key) => containsUnknown(inputs[key]));
  if (unknown !== undefined) throw new Error(`${resource.title}: the argument ${unknown} is not known yet`);
}

function withoutNotes(inputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([key]) => key !== defaultsKey)
      .map(([key, value]) => [key, dropNotes(reveal(value), value)]),
  );
}

/** The value without nested notes on defaults, secret marks kept where the whole is secret. */
function dropNotes(plain: Value, marked: Value): Value {
  if (marked instanceof Secret) return new Secret(dropNotes(plain, undefined));
  if (Array.isArray(plain)) return plain.map((item) => dropNotes(item, undefined));
  if (!isObject(plain)) return plain;
  return Object.fromEntries(
    Object.entries(plain)
      .filter(([key]) => key !== defaultsKey)
      .map(([key, value]) => [key, dropNotes(value, undefined)]),
  );
}

/**
 * Marks outputs secret where the argument of the same name is (or was), and those that derive from every argument when
 * any is: what the official providers do.
 */
function markOutputs(
  resource: Resource,
  plain: Properties,
  inputs: Properties,
  olds: Properties = {},
): Properties {
  const clean = revealProperties(withoutNotes(inputs));
  const comparable = Object.fromEntries(
    Object.keys(plain).map((key) => {
      const input = inputs[key];
      if (input === undefined) return [key, containsSecret(olds[key]) ? new Secret(plain[key]) : undefined];
      // A value that is not what was asked for is secret as a whole.
      return [
        key,
        sameValue(clean[key], plain[key])
          ? input
          : containsSecret(input)
            ? new Secret(plain[key])
            : undefined,
      ];
    }),
  );
  const marked = markPropertiesAlike(plain, comparable);
  if (!containsSecret(inputs)) return marked;
  for (const key of resource.derived ?? []) {
    const value = marked[key];
    if (value !== undefined && !(value instanceof Secret)) marked[key] = new Secret(value);
  }
  return marked;
}
