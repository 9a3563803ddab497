import assert from "node:assert/strict";

import { provisionerRows, type Measured } from "../../../bench/provisioner/rows.js";

const writes = (count: number) => ({
  all: new Map([["POST pods", 2 * count]]),
  own: new Map([["POST pods", count]]),
});

const measured: Measured = {
  cold: { ready: [1200, 1300], answered: [1210, 1310], bareReady: [1000, 1100], bareAnswered: [1050, 1150] },
  coldWrites: {
    rounds: 3,
    create: writes(12),
    delete: writes(6),
    bareCreate: writes(9),
    bareDelete: writes(3),
  },
  warm: {
    own: { created: new Map([[1, [4, 6]]]), answered: new Map([[1, [8, 12]]]), refill: [4000] },
    ordinary: { created: new Map([[1, [3, 5]]]), answered: new Map([[1, [4, 8]]]), refill: [3000] },
    bareAtOnce: 5000,
  },
  router: { routed: [4], direct: [2] },
  fleet: {
    list: new Map([
      [1, [1]],
      [5000, [30]],
    ]),
    serverList: new Map([
      [1, [2]],
      [5000, [300]],
    ]),
    ...{ idle: { resident: 80, workingSet: 50 }, full: { resident: 160, workingSet: 120 } },
    ...{ bareBytes: 40, jsonBytes: 320 },
    claims: [9],
    claimWrites: writes(1),
  },
};

describe("the provisioner's rows", () => {
  const rows = provisionerRows(measured);
  const row = (figure: string) => rows.find((each) => each.figure === figure);

  it("hold every figure but parts of one against a reference", () => {
    for (const { figure, ours, reference } of rows) {
      assert.ok(Number.isFinite(ours), figure);
      assert.equal(reference === undefined, figure.startsWith("  of "), figure);
    }
  });

  it("hold warm claims against what a bare pod takes to answer", () => {
    const found = row("warm claim → first command, one by one, p50 of 2");
    assert.deepEqual([found?.ours, found?.reference], [10, 1100]);
  });

  it("hold warm claims in the nodes' ordinary runtime against those in the environment's, if that is another", () => {
    const figure = "warm claim → first command, one by one, in the nodes' ordinary runtime, p50 of 2";
    const found = row(figure);
    assert.deepEqual([found?.ours, found?.reference], [6, 10]);
    const alone = provisionerRows({ ...measured, warm: { ...measured.warm, ordinary: undefined } });
    assert.ok(!alone.some((each) => each.figure === figure));
  });

  it("hold percentiles against the same ones of the reference", () => {
    const found = row("cold create → Ready, p50 of 2");
    assert.deepEqual([found?.ours, found?.reference], [1250, 1050]);
  });

  it("count writes per create, those of everybody and the provisioner's own", () => {
    const at = rows.findIndex(({ figure }) => figure === "API-server writes per cold create");
    assert.deepEqual([rows[at]?.ours, rows[at]?.reference, rows[at + 1]?.ours], [8, 6, 4]);
  });

  it("tell of memory what is resident and, of that, what counts against the limit", () => {
    for (const [figure, resident, workingSet] of [
      ["idle provisioner, resident", 80, 50],
      ["provisioner with 5,000 sandboxes, resident", 160, 120],
    ] as const) {
      const at = rows.findIndex((each) => each.figure === figure);
      assert.deepEqual([rows[at]?.ours, rows[at + 1]?.ours], [resident, workingSet]);
    }
  });
});
