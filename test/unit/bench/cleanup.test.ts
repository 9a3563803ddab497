// Taking things away again.
import assert from "node:assert/strict";

import { Cleanup } from "../../../bench/cleanup.js";

describe("cleaning up after benchmarks", () => {
  const recorder = () => {
    const undone: string[] = [];
    const undo = (what: string) => () => {
      undone.push(what);
      return Promise.resolve();
    };
    return { undone, undo };
  };

  it("takes the last thing away first, and each but once", async () => {
    const { undone, undo } = recorder();
    const cleanup = new Cleanup();
    cleanup.add("a", undo("a"));
    const removeB = cleanup.add("b", undo("b"));
    cleanup.add("c", undo("c"));
    await removeB();
    await removeB();
    assert.equal(await cleanup.run(), true);
    assert.equal(await cleanup.run(), true);
    assert.deepEqual(undone, ["b", "c", "a"]);
  });

  it("goes on after a failure, and says so", async () => {
    const { undone, undo } = recorder();
    const cleanup = new Cleanup();
    cleanup.add("a", undo("a"));
    cleanup.add("b", () => Promise.reject(new Error("b is stuck")));
    assert.equal(await cleanup.run(), false);
    assert.deepEqual(undone, ["a"]);
  });

  it("tries again at the end what failed before", async () => {
    let attempts = 0;
    const cleanup = new Cleanup();
    const remove = cleanup.add("a", () =>
      ++attempts === 1 ? Promise.reject(new Error("busy")) : Promise.resolve(),
    );
    await assert.rejects(remove(), /busy/);
    assert.equal(await cleanup.run(), true);
    assert.equal(attempts, 2);
  });
});
