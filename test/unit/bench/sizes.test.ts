// Sizes as programs print them.
import assert from "node:assert/strict";

import { parseSize, residentBytes } from "../../../bench/sizes.js";

describe("sizes that the benchmarks read", () => {
  it("are those of docker stats", () => {
    assert.equal(parseSize("512B"), 512);
    assert.equal(parseSize("1.5KiB"), 1536);
    assert.equal(parseSize("529MiB"), 529 * 1024 ** 2);
    assert.equal(parseSize("1.25GiB "), 1.25 * 1024 ** 3);
    assert.equal(parseSize("2 MB"), 2_000_000);
    for (const wrong of ["", "--", "5", "5 parsecs", "1.2.3MiB"])
      assert.throws(() => parseSize(wrong), /is no size/);
  });

  it("are those of /proc", () => {
    assert.equal(
      residentBytes("Name:\tsleep\nVmSize:\t  1 kB\nVmRSS:\t   1024 kB\nThreads:\t1\n"),
      1024 ** 2,
    );
    assert.throws(() => residentBytes("Name:\tkthreadd\n"), /no VmRSS/);
  });
});
