// What many measurements come to.
import assert from "node:assert/strict";

import fc from "fast-check";

import { percentile, ratio, summarise } from "../../../bench/statistics.js";

describe("statistics of the benchmarks", () => {
  it("take percentiles linearly between the two nearest measurements", () => {
    assert.equal(percentile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(percentile([4, 1, 3, 2], 0), 1);
    assert.equal(percentile([4, 1, 3, 2], 1), 4);
    assert.equal(percentile([7], 0.95), 7);
    const hundred = Array.from({ length: 101 }, (_, index) => index);
    assert.equal(percentile(hundred, 0.95), 95);
  });

  it("leave the measurements as they are", () => {
    const values = [3, 1, 2];
    summarise(values);
    assert.deepEqual(values, [3, 1, 2]);
  });

  it("refuse what gives no answer", () => {
    assert.throws(() => percentile([], 0.5), RangeError);
    assert.throws(() => percentile([1, Number.NaN], 0.5), RangeError);
    assert.throws(() => percentile([1], 95), RangeError);
    assert.throws(() => percentile([1], Number.NaN), RangeError);
  });

  it("are in order and within the measurements, whatever these are", () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, (each) => {
        const { n, min, p50, p95, max } = summarise(each);
        assert.equal(n, each.length);
        assert.equal(min, Math.min(...each));
        assert.equal(max, Math.max(...each));
        assert.ok(min <= p50 && p50 <= p95 && p95 <= max);
      }),
    );
  });

  it("give a ratio only to a reference that is something", () => {
    assert.equal(ratio(3, 2), 1.5);
    assert.equal(ratio(3, 0), undefined);
  });
});
