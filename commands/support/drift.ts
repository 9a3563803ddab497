// What is different in a place from what was deployed there, out of the events of the engine's preview of a refresh. Pure.
import { differences, type LiveObject } from "./live-object.js";
import { describeResource } from "./state.js";

/** An event of `pulumi refresh --preview-only --json`, as far as it is read here: what was found of a resource. */
export interface RefreshEvent {
  readonly resOutputsEvent?: { readonly metadata: Finding };
}

interface Finding {
  /** `update` and `delete` are differences; of others, the engine sees none. */
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
  readonly old?: ResourceState | null;
  readonly new?: ResourceState | null;
}

interface ResourceState {
  readonly id?: string;
  readonly inputs?: LiveObject;
  readonly outputs?: LiveObject;
}

/** One resource that is not as it was deployed. */
export interface Drift {
  /** Such as `Deployment sandlot/sandbox`. */
  readonly resource: string;
  readonly urn: string;
  readonly change: "changed" | "deleted";
  /** What differs, if it was changed; secrets are masked by the engine. */
  readonly fields: readonly DriftedField[];
}

/** A field, such as `spec.replicas`; a value is absent where the field is. */
export interface DriftedField {
  readonly path: string;
  readonly deployed?: unknown;
  readonly found?: unknown;
}

/** A Kubernetes object with differences that the engine does not see, so that it would not repair them. */
export interface ChangedObject {
  /** As it was after its last update. */
  readonly live: LiveObject;
  /** What the program gave. */
  readonly inputs: LiveObject;
  /** By which name the Kubernetes plugin owns fields of it. */
  readonly fieldManager: string;
}

function findings(events: readonly RefreshEvent[]): Finding[] {
  return events.flatMap(({ resOutputsEvent }) =>
    resOutputsEvent === undefined ? [] : [resOutputsEvent.metadata],
  );
}

function changedPaths({ op, type, detailedDiff, old, new: now }: Finding): string[] {
  const seen = op === "update" ? Object.keys(detailedDiff ?? {}) : [];
  if (!type.startsWith("kubernetes:") || !old?.outputs || !now?.outputs) return seen.sort();
  const unseen = differences(old.outputs, now.outputs, old.inputs);
  return [...unseen, ...seen.filter((path) => !unseen.some((each) => overlaps(each, path)))].sort();
}

const overlaps = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);

/** What differs, in the order of the state. */
export function driftIn(events: readonly RefreshEvent[]): Drift[] {
  return findings(events).flatMap((finding): Drift[] => {
    const { op, urn, type, old, new: now } = finding;
    const id = old?.id ?? now?.id;
    const resource = describeResource({ urn, type, ...(id === undefined ? {} : { id }) });
    if (op === "delete") return [{ resource, urn, change: "deleted", fields: [] }];
    const fields = changedPaths(finding).map((path) => ({
      path,
      deployed: valueAt(old?.outputs, path),
      found: valueAt(now?.outputs, path),
    }));
    return fields.length === 0 ? [] : [{ resource, urn, change: "changed", fields }];
  });
}

/** The changed objects of which the engine does not see everything. */
export function unseenChanges(events: readonly RefreshEvent[]): ChangedObject[] {
  return findings(events).flatMap((finding): ChangedObject[] => {
    const { type, op, old, detailedDiff } = finding;
    const fieldManager = old?.outputs?.["__fieldManager"];
    if (!type.startsWith("kubernetes:") || op === "delete") return [];
    if (!old?.outputs || !old.inputs || typeof fieldManager !== "string") return [];
    const seen = op === "update" ? Object.keys(detailedDiff ?? {}) : [];
    const unseen = changedPaths(finding).filter((path) => !seen.some((each) => overlaps(each, path)));
    return unseen.length === 0 ? [] : [{ live: old.outputs, inputs: old.inputs, fieldManager }];
  });
}

/** The keys of a property path: `spec.ports[0].port`, `metadata.labels["a.b/c"]`. */
export function pathKeys(path: string): string[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => quoted?.replaceAll('\\"', '"') ?? index ?? name ?? "",
  );
}

function valueAt(root: unknown, path: string): unknown {
  return pathKeys(path).reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );
}

const longest = 60;

function shown(value: unknown): string {
  if (value === undefined) return "(nothing)";
  const text = JSON.stringify(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** The list in lines for a person: one for each field. */
export function formatDrift(drifts: readonly Drift[]): string {
  return drifts
    .flatMap(({ resource, change, fields }) =>
      change === "deleted"
        ? [`  - ${resource}: deleted`]
        : [
            `  ~ ${resource}`,
            ...fields.map(
              ({ path, deployed, found }) => `      ${path}: ${shown(deployed)} → ${shown(found)}`,
            ),
          ],
    )
    .join("\n");
}
