// Compares a Kubernetes object with what it was after its last update. The engine compares only the fields that the program
// gave: a rule that somebody adds to a network policy, or a container to a pod, it does not see. Pure.

/** An object as the engine keeps it: live, as the API server returned it. */
export type LiveObject = Readonly<Record<string, unknown>>;

/** What the cluster's own controllers write after an update, by the path's beginning. */
const controlled: readonly RegExp[] = [
  /^status\b/,
  /^__/, // the Kubernetes plugin's own notes
  /^metadata\.(managedFields|resourceVersion|generation|creationTimestamp|uid|selfLink|finalizers)\b/,
  /^metadata\.annotations\["(deployment|pv|volume|volume\.beta)\.kubernetes\.io\//,
  /^spec\.template\.metadata\.annotations\["kubectl\.kubernetes\.io\/restartedAt"\]/, // make reload
  /^spec\.(volumeName|claimRef)\b/, // a claim and its volume find each other
];

/** What the API server fills in and refuses to be told. */
const serverFields = [
  "managedFields",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "uid",
  "selfLink",
];

/**
 * The paths, such as `spec.ingress[0].from`, at which two states of an object differ and no controller is to thank for it.
 * @param inputs what the program gave: replicas that it left open are a scaler's to set
 */
export function differences(deployed: LiveObject, found: LiveObject, inputs: LiveObject = {}): string[] {
  const scaled = (inputs["spec"] as LiveObject | undefined)?.["replicas"] === undefined;
  return compare(deployed, found, "").filter(
    (path) => !controlled.some((pattern) => pattern.test(path)) && !(scaled && path === "spec.replicas"),
  );
}

function compare(before: unknown, after: unknown, path: string): string[] {
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, path);
  if (isFilled(before) || isFilled(after)) {
    if (isObject(before ?? {}) && isObject(after ?? {})) {
      const [old, now] = [(before ?? {}) as LiveObject, (after ?? {}) as LiveObject];
      const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])];
      return keys.flatMap((key) => compare(old[key], now[key], below(path, key)));
    }
    return [path];
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
}

/** Item by item; what was added at the end or cut off there stands by itself, other changes of length are the list's. */
function compareLists(before: readonly unknown[], after: readonly unknown[], path: string): string[] {
  const common = Math.min(before.length, after.length);
  const inside = before
    .slice(0, common)
    .flatMap((each, index) => compare(each, after[index], `${path}[${index}]`));
  if (before.length === after.length) return inside;
  if (inside.length > 0) return [path];
  const extra = Math.abs(before.length - after.length);
  return Array.from({ length: extra }, (_, index) => `${path}[${common + index}]`);
}

function isObject(value: unknown): value is LiveObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isFilled = (value: unknown): boolean => isObject(value) && Object.keys(value).length > 0;

function below(path: string, key: string): string {
  if (!/^\w+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** The object as it can be handed to the API server again. */
export function withoutServerFields(object: LiveObject): LiveObject {
  const metadata = Object.entries((object["metadata"] ?? {}) as LiveObject);
  return {
    ...Object.fromEntries(
      Object.entries(object).filter(([key]) => key !== "status" && !key.startsWith("__")),
    ),
    metadata: Object.fromEntries(metadata.filter(([key]) => !serverFields.includes(key))),
  };
}
