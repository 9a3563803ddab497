import assert from "node:assert/strict";

import { peerRows } from "../../../bench/agent-sandbox/rows.js";

describe("the provisioner's rows beside agent-sandbox", () => {
  const ours = {
    claims: { warm: new Map([[1, [4, 6]]]), cold: [1500, 1700] },
    refill: [3000],
    writes: 9,
    idle: { workingSet: 30, resident: 80 },
  };
  const theirs = {
    claims: { warm: new Map([[1, [20, 40]]]), cold: [3000, 4000] },
    refill: [4000],
    writes: 27,
    idle: { workingSet: 20, resident: 40 },
  };
  const rows = peerRows(ours, { warm: new Map([[1, [8, 12]]]), cold: [1510, 1710] }, theirs, "v1.0.3");

  it("hold each percentile of claims, and of first commands, against the same of its claims", () => {
    const claims = rows.filter(({ figure }) => /claim|create/.test(figure) && !figure.includes("writes"));
    assert.deepEqual(
      claims.map(({ figure, ours: own, reference }) => [figure, own, reference?.toFixed(1)]),
      [
        ["warm claim, one by one, p50 of 2", 5, "30.0"],
        ["warm claim, one by one, p95 of 2", 5.9, "39.0"],
        ["warm claim → first command, one by one, p50 of 2", 10, "30.0"],
        ["warm claim → first command, one by one, p95 of 2", 11.8, "39.0"],
        ["cold create → first command, p50 of 2", 1610, "3500.0"],
        ["cold create → first command, p95 of 2", 1700, "3950.0"],
      ],
    );
    assert.ok(claims.every(({ against }) => against.startsWith("agent-sandbox v1.0.3")));
  });

  it("hold refills, writes and memory against its own", () => {
    const found = rows.filter(({ figure }) => /refill|writes|idle/.test(figure));
    assert.deepEqual(
      found.map(({ ours: own, reference }) => [own, reference]),
      [
        [3000, 4000],
        [9, 27],
        [30, 20],
        [80, 40],
      ],
    );
  });
});
