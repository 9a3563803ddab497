// What a preview would change: one change per resource, with the fields that differ, the grave ones first.
import { nameOf, typeOf, type State, type Step } from "./preview.js";
import { formatPath, parsePath, type Key } from "./property-path.js";
import { mask } from "./secrets.js";

/** A field that differs. A side is undefined where the field is not there. */
export interface FieldChange {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  /** Whether this field forces the replacement. */
  readonly replaces: boolean;
}

/** What would happen to one resource. */
export interface Change {
  readonly operation: Operation;
  readonly urn: string;
  /** Without module and package: `Deployment`. */
  readonly type: string;
  readonly name: string;
  readonly fields: readonly FieldChange[];
  /** What a reviewer should know besides: that it is protected, kept, perhaps only renamed. */
  readonly remarks: readonly string[];
}

/** What is done to a resource, gravest first; `option` is a change of protection alone. */
export const operations = [
  "replace",
  "delete",
  "update",
  "option",
  "create",
  "import",
  "read",
  "refresh",
  "other",
] as const;

/** One of {@link operations}. */
export type Operation = (typeof operations)[number];

/** Whether something that runs or holds data goes away. */
export function isDestructive(operation: Operation): boolean {
  return operation === "replace" || operation === "delete";
}

/** The engine's words (resource/deploy/step.go) that are not operations of their own here. */
const synonyms: Record<string, Operation> = {
  "create-replacement": "replace",
  "delete-replaced": "replace",
  "import-replacement": "replace",
  "read-replacement": "replace",
  "discard-replaced": "replace",
  "remove-pending-replace": "delete",
  discard: "delete",
};

/** What the engine's word for an operation is called here. */
export function operationOf(op: string): Operation {
  return synonyms[op] ?? operations.find((operation) => operation === op) ?? "other";
}

/** The changes in a preview whose secrets are masked; resources that stay as they are make none. */
export function changesOf(steps: readonly Step[]): Change[] {
  const changes = new Map<string, Change>();
  for (const step of steps) {
    const change = changeOf(step);
    if (change === undefined) continue;
    const { urn } = change;
    // The parts of a replacement may be steps of their own, with `replace` among them or without.
    const key = change.operation === "replace" ? urn : `${change.operation} ${urn}`;
    if (!changes.has(key) || step.op === "replace") changes.set(key, change);
  }
  const withHints = markRenames([...changes.values()], steps);
  return withHints.sort((a, b) => operations.indexOf(a.operation) - operations.indexOf(b.operation));
}

function changeOf(step: Step): Change | undefined {
  const { op, urn, oldState, newState } = step;
  const unprotected = oldState?.protect !== newState?.protect;
  if (op === "same" && !(oldState !== undefined && newState !== undefined && unprotected)) return undefined;
  const operation = op === "same" ? "option" : operationOf(op);
  const compares = ["replace", "update", "option", "refresh", "import"].includes(operation);
  return {
    operation,
    urn,
    type: typeOf(urn).split(/[:/]/).at(-1) ?? "",
    name: nameOf(urn),
    fields: compares ? fieldsOf(step) : [],
    remarks: isDestructive(operation) ? remarksOn(oldState) : [],
  };
}

function remarksOn(state: State | undefined): string[] {
  return [
    ...(state?.protect === true ? ["protected: the engine will refuse"] : []),
    ...(state?.retainOnDelete === true ? ["leaves the stack, is not deleted where it runs"] : []),
  ];
}

function fieldsOf({ oldState, newState, detailedDiff, diffReasons, replaceReasons }: Step): FieldChange[] {
  if (oldState === undefined || newState === undefined) return [];
  const forced = new Set(replaceReasons ?? []); // paths, or names of whole properties
  const fields: FieldChange[] = [];
  for (const [path, { kind, inputDiff }] of Object.entries(detailedDiff ?? {})) {
    const keys = parsePath(path);
    if (isInternal(keys)) continue;
    const before =
      lookup(inputDiff ? oldState.inputs : oldState.outputs, keys) ?? lookup(oldState.inputs, keys);
    fields.push({
      path,
      before: kind.startsWith("add") ? undefined : before,
      after: kind.startsWith("delete") ? undefined : lookup(newState.inputs, keys),
      replaces: kind.endsWith("-replace"),
    });
  }
  if (fields.length === 0) {
    for (const keys of differences(oldState.inputs, newState.inputs)) {
      if (isInternal(keys)) continue;
      fields.push({
        path: formatPath(keys),
        before: lookup(oldState.inputs, keys),
        after: lookup(newState.inputs, keys),
        replaces: forced.has(formatPath(keys)) || forced.has(String(keys[0])),
      });
    }
  }
  if (oldState.protect !== newState.protect) {
    fields.push({ path: "protect", before: oldState.protect, after: newState.protect, replaces: false });
  }
  // A provider may say that a property differs without showing how.
  for (const path of fields.length === 0 ? new Set([...forced, ...(diffReasons ?? [])]) : [])
    fields.push({ path, before: mask, after: mask, replaces: forced.has(path) });
  return fields.sort((a, b) => Number(b.replaces) - Number(a.replaces));
}

/** What providers keep for themselves among a resource's properties. */
function isInternal([first]: readonly Key[]): boolean {
  return String(first).startsWith("__");
}

/** The value at a path; below a masked value, the mask. */
function lookup(root: unknown, keys: readonly Key[]): unknown {
  let value = root;
  for (const key of keys) {
    if (value === mask) return mask;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Paths at which two values differ, as deep as both are of one shape. */
function differences(before: unknown, after: unknown, keys: readonly Key[] = []): (readonly Key[])[] {
  if (before === after) return [];
  if (typeof before !== "object" || typeof after !== "object" || before === null || after === null)
    return [keys];
  if (Array.isArray(before) !== Array.isArray(after)) return [keys];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) =>
    differences(Reflect.get(before, name), Reflect.get(after, name), [
      ...keys,
      Array.isArray(before) ? Number(name) : name,
    ]),
  );
}

/** Types of which more are deleted are cleared out, not renamed. */
const mostRenamed = 20;

/** Says of a deleted and a created resource, the only ones alike, that the one may be the other renamed. */
function markRenames(changes: readonly Change[], steps: readonly Step[]): Change[] {
  const deleted = groupBy(
    changes.filter(({ operation }) => operation === "delete"),
    ({ urn }) => typeOf(urn),
  );
  const created = groupBy(
    changes.filter(({ operation }) => operation === "create"),
    ({ urn }) => typeOf(urn),
  );
  const stepOf = new Map(steps.map((step) => [step.urn, step]));
  const shape = ({ urn }: Change): string => shapeOf(stepOf.get(urn));
  const remarks = new Map<Change, string>();
  for (const [type, gone] of deleted) {
    const come = created.get(type) ?? [];
    if (gone.length > mostRenamed || come.length > mostRenamed) continue;
    const comeByShape = groupBy(come, shape);
    for (const [key, twins] of groupBy(gone, shape)) {
      const [old, another] = twins;
      const [twin, third] = comeByShape.get(key) ?? [];
      if (old === undefined || twin === undefined || another !== undefined || third !== undefined) continue;
      remarks.set(
        old,
        `"${twin.name}", which is created, differs in name only: an alias would keep this one`,
      );
    }
  }
  return changes.map((change) => {
    const remark = remarks.get(change);
    return remark === undefined ? change : { ...change, remarks: [...change.remarks, remark] };
  });
}

function groupBy<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [each]);
    else group.push(each);
  }
  return groups;
}

/** What a resource is, without what it is called. */
function shapeOf(step: Step | undefined): string {
  const { metadata, ...inputs } = (step?.newState ?? step?.oldState)?.inputs ?? {};
  const rest = Object.entries(metadata ?? {}).filter(([key]) => !["name", "annotations"].includes(key));
  return JSON.stringify([inputs, rest]);
}
