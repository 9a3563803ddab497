// Which cluster is chosen: by weight, alike in all replicas, and without moving more than has to move.
import assert from "node:assert/strict";

import { placements, rankedSites } from "../../../provisioner/src/model/placement.js";

const keys = Array.from({ length: 4_000 }, (_, i) => `acme/session-${i}`);
const offer = (name: string, weight: number, idle = true, room = true) => ({ name, weight, idle, room });

describe("the placement of sandboxes", () => {
  it("gives each cluster as many as its weight is of all weights", () => {
    const sites = [
      { name: "a", weight: 60 },
      { name: "b", weight: 30 },
      { name: "c", weight: 10 },
    ];
    for (const { name, weight } of sites) {
      const got = keys.filter((key) => rankedSites(key, sites)[0]?.name === name).length / keys.length;
      assert.ok(Math.abs(got - weight / 100) < 0.03, `${name} got ${got}`);
    }
  });

  it("chooses alike whatever order the clusters are named in", () => {
    const sites = ["a", "b", "c"].map((name, i) => ({ name, weight: 10 + i }));
    for (const key of keys.slice(0, 200))
      assert.deepEqual(rankedSites(key, sites), rankedSites(key, [...sites].reverse()));
  });

  it("moves only what was in a cluster that goes", () => {
    const [a, b, c] = [
      { name: "a", weight: 50 },
      { name: "b", weight: 50 },
      { name: "c", weight: 50 },
    ];
    for (const key of keys.slice(0, 500)) {
      const before = rankedSites(key, [a, b, c])[0]?.name;
      if (before !== "c") assert.equal(rankedSites(key, [a, b])[0]?.name, before);
    }
  });

  it("tries idle pods first, then room, and spare clusters after all others", () => {
    for (const key of keys.slice(0, 50)) {
      const order = placements(key, [
        offer("spare", 0),
        offer("full", 100, false, false),
        offer("roomy", 100, false, true),
        offer("warm", 1, true, false),
      ]);
      assert.deepEqual(
        order.map(({ name }) => name),
        ["warm", "roomy", "spare"],
      );
    }
  });
});
