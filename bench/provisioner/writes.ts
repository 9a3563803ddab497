// Requests that change something, as they are counted by the API server and by the provisioner. Pure.

/** Counts by `VERB resource` or `VERB resource/subresource`. */
export type Writes = ReadonlyMap<string, number>;

const writing = new Set(["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"]);

/** What comes by the clock whether anybody makes a sandbox or not: heartbeats of nodes and of leaders. */
const heartbeats = new Set(["leases", "nodes", "nodes/status"]);

/** Questions in the form of a POST: the answer is all there is, nothing is stored. */
const questions = new Set([
  "tokenreviews",
  "subjectaccessreviews",
  "selfsubjectaccessreviews",
  "localsubjectaccessreviews",
  "selfsubjectrulesreviews",
  "serviceaccounts/token",
  "pods/exec",
]);

/** The samples of one metric in Prometheus' text format: labels and value. */
export function* samples(metrics: string, name: string): Generator<[Record<string, string>, number]> {
  for (const line of metrics.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    const [, inner = "", value] = /^[^{ ]+(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    const pairs = [...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, key = "", text = ""]): [string, string] => [key, text],
    );
    yield [Object.fromEntries(pairs), Number(value)];
  }
}

/** What everybody wrote, from the API server's own figures: heartbeats, and what stores nothing, left out. */
export function writesToServer(metrics: string): Writes {
  const counts = new Map<string, number>();
  for (const [labels, value] of samples(metrics, "apiserver_request_total")) {
    const { verb = "", resource = "", subresource = "", dry_run: dryRun = "" } = labels;
    const what = subresource === "" ? resource : `${resource}/${subresource}`;
    if (!writing.has(verb) || dryRun !== "" || heartbeats.has(what) || questions.has(what)) continue;
    const key = `${verb} ${what}`;
    counts.set(key, (counts.get(key) ?? 0) + value);
  }
  return counts;
}

/** What the provisioner wrote, from its own figures. */
export function writesOfProvisioner(metrics: string): Writes {
  const counts = new Map<string, number>();
  for (const [labels, value] of samples(metrics, "sandlot_provisioner_kubernetes_request_seconds_count")) {
    const { method = "", resource = "" } = labels;
    if (!writing.has(method) || heartbeats.has(resource)) continue;
    const key = `${method} ${resource}`;
    counts.set(key, (counts.get(key) ?? 0) + value);
  }
  return counts;
}

/** What came after `before`. */
export function since(before: Writes, after: Writes): Writes {
  return new Map(
    [...after].flatMap(([key, value]) => {
      const more = value - (before.get(key) ?? 0);
      return more === 0 ? [] : [[key, more] as const];
    }),
  );
}

/** How many in all. */
export function total(writes: Writes): number {
  return [...writes.values()].reduce((sum, value) => sum + value, 0);
}

/** For people: `PATCH pods 10, POST events 2`, the most frequent first. */
export function inWords(writes: Writes): string {
  return [...writes]
    .sort(([, one], [, other]) => other - one)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");
}
