// Refusals put together, and how many Events they may cause.
import assert from "node:assert/strict";

import { Allowance, mostKinds, others, Refusals } from "../../../../provisioner/src/egress/refusals.js";

const refused = (podUid: string, host: string) => ({
  podUid,
  host,
  port: 443,
  reason: "not_allowed" as const,
});

describe("egress: refusals", () => {
  it("are counted by sandbox and destination, and begin anew after each take", () => {
    const refusals = new Refusals();
    for (let at = 1; at <= 3; at += 1) refusals.add(refused("one", "a.example"), at);
    refusals.add(refused("two", "a.example"), 4);
    assert.deepEqual(refusals.take(), [
      { ...refused("one", "a.example"), count: 3, since: 1 },
      { ...refused("two", "a.example"), count: 1, since: 4 },
    ]);
    assert.deepEqual(refusals.take(), []);
  });

  it("lose none to a sandbox that asks for ever new hosts", () => {
    const refusals = new Refusals();
    for (let at = 0; at < 1_000; at += 1) refusals.add(refused("one", `${at}.example`), at);
    refusals.add(refused("two", "quiet.example"), 1);
    const taken = refusals.take();
    assert.equal(taken.length, mostKinds + 2);
    assert.equal(
      taken.filter(({ podUid }) => podUid === "one").reduce((sum, { count }) => sum + count, 0),
      1_000,
    );
    assert.ok(taken.some(({ host, count }) => host === others && count === 1_000 - mostKinds));
    assert.ok(taken.some(({ host }) => host === "quiet.example"));
  });

  it("may cause a few Events at once and then one in a while", () => {
    const allowance = new Allowance(2, 1_000);
    const at = (now: number, key = "one"): boolean => allowance.take(key, now);
    assert.deepEqual(
      [at(0), at(0), at(0), at(999), at(1_001), at(1_002)],
      [true, true, false, false, true, false],
    );
    assert.equal(at(1_002, "two"), true);
    assert.deepEqual([at(60_000), at(60_000), at(60_000)], [true, true, false]);
  });
});
