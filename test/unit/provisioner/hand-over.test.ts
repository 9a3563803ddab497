// How a sandbox is asked until it answers.
import assert from "node:assert/strict";

import { percentile } from "../../../bench/statistics.js";
import { HandOverClient } from "../../../provisioner/src/core/hand-over.js";
import { FakeSandbox } from "./fake-sandbox.js";

const what = { claimId: "c", token: null, env: {}, secrets: {} };

describe("the hand-over", () => {
  const sandbox = new FakeSandbox();
  const client = new HandOverClient();
  let url = "";

  before(async () => {
    url = `http://127.0.0.1:${await sandbox.start()}`;
  });

  after(async () => {
    await client.close();
    await sandbox.stop();
  });

  it("is made as soon as a starting pod has an address, however long that took", async () => {
    const looks: number[] = [];
    const origin = (): string | undefined => (looks.push(performance.now()) > 40 ? url : undefined);
    const { outcome } = await client.handOver(origin, "secret", what, AbortSignal.timeout(25_000));
    assert.equal(outcome, "done");
    assert.equal(sandbox.claims.length, 1);
    // However busy the machine is, it is so all the time: pauses that grow, as between attempts, would be ten times as long.
    const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
    const [first, last] = [percentile(gaps.slice(0, 5), 0.5), percentile(gaps.slice(-15), 0.5)];
    assert.ok(last < first * 5, `pauses grew from ${first.toFixed(0)} to ${last.toFixed(0)} ms`);
  });

  it("is given up when there is no more patience", async () => {
    const { outcome } = await client.handOver(() => undefined, "secret", what, AbortSignal.timeout(50));
    assert.equal(outcome, "silent");
  });
});
