// What differs from what was deployed, out of the engine's events, and what the engine itself does not see.
import assert from "node:assert/strict";

import {
  driftIn,
  formatDrift,
  pathKeys,
  unseenChanges,
  type RefreshEvent,
} from "../../../commands/support/drift.js";
import { differences, withoutServerFields } from "../../../commands/support/live-object.js";

const deployment = "kubernetes:apps/v1:Deployment";
const policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

const live = (image: string, more: object = {}) => ({
  __fieldManager: "pulumi-1",
  metadata: { name: "sandbox", resourceVersion: image },
  spec: { replicas: 3, template: { spec: { containers: [{ image, ...more }] } } },
});

/** What the engine found of one resource. */
function found(
  op: string,
  type: string,
  id: string,
  states: { old: object; new?: object; diff?: string[] },
): RefreshEvent {
  const diff = Object.fromEntries((states.diff ?? []).map((path) => [path, {}]));
  return {
    resOutputsEvent: {
      metadata: {
        op,
        type,
        urn: `urn:pulumi:production::sandlot::${type}::${id}`,
        detailedDiff: diff,
        old: { id, inputs: { spec: { replicas: 3 } }, outputs: { ...states.old } },
        new: states.new === undefined ? null : { id, outputs: { ...states.new } },
      },
    },
  };
}

const image = "spec.template.spec.containers[0].image";
const edited = found("update", deployment, "sandlot/sandbox", {
  old: live("a:1"),
  new: live(`b:${"2".repeat(80)}`),
  diff: [image],
});
const added = found("same", policy, "sandlot/sandbox-deny-all", {
  old: { __fieldManager: "pulumi-1", spec: { podSelector: {} } },
  new: { __fieldManager: "pulumi-1", spec: { podSelector: {}, egress: [{}] } },
});
const deleted = found("delete", policy, "sandlot/sandbox-dns", { old: {} });
const untouched = found("same", deployment, "sandlot/other", { old: live("a:1"), new: live("a:1") });

describe("drift", () => {
  it("is what was edited, added to an object, or deleted", () => {
    assert.deepEqual(
      driftIn([{}, edited, added, deleted, untouched]).map(({ resource, change, fields }) => [
        resource,
        change,
        fields.map(({ path }) => path),
      ]),
      [
        ["Deployment sandlot/sandbox", "changed", [image]],
        ["NetworkPolicy sandlot/sandbox-deny-all", "changed", ["spec.egress"]],
        ["NetworkPolicy sandlot/sandbox-dns", "deleted", []],
      ],
    );
  });

  it("reads in one line for each field, cut short", () => {
    const lines = formatDrift(driftIn([edited, added, deleted])).split("\n");
    assert.equal(lines[0], "  ~ Deployment sandlot/sandbox");
    assert.match(lines[1] ?? "", /image: "a:1" → "b:2+…$/);
    assert.ok((lines[1] ?? "").length < 150);
    assert.equal(lines[3], "      spec.egress: (nothing) → [{}]");
    assert.equal(lines[4], "  - NetworkPolicy sandlot/sandbox-dns: deleted");
  });

  it("that the engine does not see is told apart: a repair undoes it first", () => {
    assert.deepEqual(
      unseenChanges([edited, added, deleted, untouched]).map(({ live: object, fieldManager }) => [
        object["spec"],
        fieldManager,
      ]),
      [[{ podSelector: {} }, "pulumi-1"]],
    );
  });

  it("understands the engine's property paths", () => {
    assert.deepEqual(pathKeys("spec.ports[0].port"), ["spec", "ports", "0", "port"]);
    assert.deepEqual(pathKeys('metadata.annotations["a.b/c"]'), ["metadata", "annotations", "a.b/c"]);
  });
});

describe("differences of live objects", () => {
  for (const [title, before, after, paths] of [
    ["a field that was set", { spec: {} }, { spec: { hostNetwork: true } }, ["spec.hostNetwork"]],
    ["an item at a list's end", { spec: { a: [1] } }, { spec: { a: [1, 2] } }, ["spec.a[1]"]],
    ["an item that is gone", { spec: { a: [1, 2] } }, { spec: { a: [1] } }, ["spec.a[1]"]],
    ["an item in a list's middle", { spec: { a: [1, 3] } }, { spec: { a: [1, 2, 3] } }, ["spec.a"]],
    [
      "an empty selector, which selects all",
      { spec: {} },
      { spec: { podSelector: {} } },
      ["spec.podSelector"],
    ],
    [
      "a label with a slash",
      { metadata: { labels: { "a/b": "c" } } },
      { metadata: { labels: {} } },
      ['metadata.labels["a/b"]'],
    ],
    ["status", { status: { a: 1 } }, { status: { a: 2 } }, []],
    [
      "a resource version",
      { metadata: { resourceVersion: "1" } },
      { metadata: { resourceVersion: "2" } },
      [],
    ],
    ["a claim's binding", { spec: {} }, { spec: { volumeName: "v" } }, []],
    ["replicas that a scaler sets", { spec: { replicas: 2 } }, { spec: { replicas: 5 } }, []],
  ] as const) {
    it(`${title}: ${paths.length === 0 ? "none" : paths.join(", ")}`, () => {
      assert.deepEqual(differences(before, after), paths);
    });
  }

  it("replicas that the program gave", () => {
    const spec = (replicas: number) => ({ spec: { replicas } });
    assert.deepEqual(differences(spec(2), spec(5), spec(2)), ["spec.replicas"]);
  });

  it("can be undone by an object without what only the server writes", () => {
    assert.deepEqual(withoutServerFields({ ...live("a:1"), status: {} }), {
      metadata: { name: "sandbox" },
      spec: live("a:1").spec,
    });
  });
});
