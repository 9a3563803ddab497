// What a tenant is told of its quota.
import assert from "node:assert/strict";

import { overQuota, usageOf } from "../../../provisioner/src/core/quota.js";

const limits = (cpu: string, memory: string) => ({ cpu, memory });

describe("a quota", () => {
  it("is told in the units that people write", () => {
    const usage = usageOf([limits("1500m", "1Gi"), limits("1", "512Mi")]);
    assert.match(overQuota(usage, { memory: 2 ** 30 }) ?? "", /quota of memory is 1Gi, .* would be 1536Mi;/);
    assert.match(overQuota(usage, { memory: 1_000_000 }) ?? "", /quota of memory is 1000000, /);
    assert.match(overQuota(usage, { cpu: 2 }) ?? "", /quota of cpu is 2, .* would be 2\.5;/);
    assert.match(overQuota(usage, { sandboxes: 1 }) ?? "", /quota of sandboxes is 1, .* would be 2;/);
    assert.equal(overQuota(usage, { sandboxes: 2, cpu: 2.5, memory: 1.5 * 2 ** 30 }), undefined);
  });

  it("can be used up to its last tenth of a core", () => {
    const usage = usageOf(Array.from({ length: 3 }, () => limits("100m", "1Mi")));
    assert.equal(overQuota(usage, { cpu: 0.3 }), undefined);
  });
});
