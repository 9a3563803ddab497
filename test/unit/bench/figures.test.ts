// How figures read, for people and for programs.
import assert from "node:assert/strict";

import { formatTable, formatValue, records, type Figure } from "../../../bench/figures.js";

const figures: Figure[] = [
  { figure: "start", unit: "ms", ours: 1500, reference: 1000, against: "a bare pod" },
  { figure: "  part of it", unit: "ms", ours: 4.25, against: "" },
  { figure: "memory", unit: "bytes", ours: 8 * 1024 ** 2, reference: 0, against: "nothing" },
];

describe("figures of the benchmarks", () => {
  it("read in the unit that fits", () => {
    assert.equal(formatValue(4.256, "ms"), "4.26 ms");
    assert.equal(formatValue(999.6, "ms"), "1000 ms");
    assert.equal(formatValue(12_340, "ms"), "12.3 s");
    assert.equal(formatValue(123_400, "ms"), "123 s");
    assert.equal(formatValue(512 * 1024, "bytes"), "0.50 MiB");
  });

  it("stand in a table with a ratio where there is a reference", () => {
    assert.deepEqual(formatTable(figures).split("\n"), [
      "figure            ours  reference  ratio  what the reference is",
      "────────────  ────────  ─────────  ─────  ─────────────────────",
      "start           1.50 s     1.00 s  1.50×  a bare pod",
      "  part of it   4.25 ms",
      "memory        8.00 MiB   0.00 MiB         nothing",
    ]);
  });

  it("carry their ratio for programs", () => {
    assert.deepEqual(
      records(figures).map((each) => each.ratio),
      [1.5, undefined, undefined],
    );
    assert.ok(!("ratio" in (records(figures)[2] ?? {})));
  });
});
