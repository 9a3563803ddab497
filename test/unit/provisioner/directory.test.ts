// What is there, as pods come, change hands and go.
import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";

import { Directory } from "../../../provisioner/src/core/directory.js";
import type { ChangeListener, WatchCache } from "../../../provisioner/src/kubernetes/watch-cache.js";

interface Given {
  state?: "idle" | "claimed";
  id?: string;
  tenant?: string;
  deleted?: boolean;
  failed?: boolean;
}

function pod(
  name: string,
  { state = "claimed", id = name, tenant = "a", deleted = false, failed = false }: Given = {},
): V1Pod {
  const claimed = { "sandlot.dev/sandbox-id": id, "sandlot.dev/tenant": tenant };
  return {
    metadata: {
      ...{ name, uid: `uid-${name}` },
      ...(deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
      labels: {
        ...{ "sandlot.dev/state": state, "sandlot.dev/environment": "default" },
        ...(state === "claimed" ? claimed : {}),
      },
    },
    status: {
      phase: failed ? "Failed" : "Running",
      podIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: "True" }],
    },
  } as unknown as V1Pod;
}

/** A directory, and how it is told of a pod. */
function directory(): { directory: Directory; tell: ChangeListener<V1Pod> } {
  let tell: ChangeListener<V1Pod> = () => undefined;
  const cache = {
    connected: true,
    onChange: (listener: ChangeListener<V1Pod>) => {
      tell = listener;
      return () => true;
    },
  } as unknown as WatchCache<V1Pod>;
  const made = new Directory(cache, undefined, { watched: true, lost: false });
  return {
    directory: made,
    tell: (object, gone) => {
      tell(object, gone);
    },
  };
}

describe("the directory", () => {
  it("counts pods that are ours and neither failed nor being deleted, whatever becomes of them", () => {
    const { directory: there, tell } = directory();
    tell(pod("one", { state: "idle" }), false);
    tell(pod("two"), false);
    assert.equal(there.count(), 2);
    tell(pod("one", { id: "x" }), false);
    assert.equal(there.count(), 2, "a claim makes no pod");
    tell(pod("two", { deleted: true }), false);
    assert.equal(there.count(), 1);
    tell(pod("two", { deleted: true }), true);
    assert.equal(there.count(), 1, "it was not counted any more");
    tell(pod("one", { id: "x", failed: true }), false);
    assert.equal(there.count(), 0, "it uses nothing any more");
    tell(pod("one", { id: "x", failed: true }), true);
    assert.equal(there.count(), 0);
    tell({ metadata: { name: "other", uid: "o" } }, false);
    assert.equal(there.count(), 0, "what is not ours is not counted");
  });

  it("keeps tenants apart, and forgets what is gone", () => {
    const { directory: there, tell } = directory();
    tell(pod("one", { tenant: "a" }), false);
    tell(pod("two", { tenant: "b" }), false);
    const ids = (tenant: string): string[] => there.ofTenant(tenant).map(({ id }) => id);
    assert.deepEqual([ids("a"), ids("b"), ids("c")], [["one"], ["two"], []]);
    assert.equal(there.sandboxes().length, 2);
    tell(pod("one", { tenant: "a" }), true);
    assert.deepEqual([ids("a"), ids("b")], [[], ["two"]]);
  });

  it("tells which of two pods of one id stands in the other's way, within a tenant alone", () => {
    const { directory: there, tell } = directory();
    tell(pod("one", { id: "same", tenant: "a" }), false);
    tell(pod("two", { id: "same", tenant: "b" }), false);
    assert.deepEqual(there.duplicates(), []);
    tell(pod("three", { id: "same", tenant: "a" }), false);
    const [duplicate, ...more] = there.duplicates();
    assert.deepEqual(more, []);
    assert.ok(duplicate !== undefined && duplicate.tenant === "a");
    assert.notEqual(duplicate.podUid, there.get("a", "same")?.podUid);
  });
});
