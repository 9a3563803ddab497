// How a sandbox is asked until it answers.
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";

import { percentile } from "../../../bench/statistics.js";
import { Connections } from "../../../provisioner/src/core/connections.js";
import { HandOverClient } from "../../../provisioner/src/core/hand-over.js";
import { FakeSandbox } from "./fake-sandbox.js";

const what = { claimId: "c", token: null, env: {}, secrets: {} };

describe("the hand-over", () => {
  const sandbox = new FakeSandbox();
  const connections = new Connections();
  const client = new HandOverClient(connections);
  let url = "";

  before(async () => {
    url = `http://127.0.0.1:${await sandbox.start()}`;
  });

  after(async () => {
    await client.close();
    connections.endAll();
    await sandbox.stop();
  });

  it("is made as soon as a starting pod has an address, however long that took", async () => {
    const looks: number[] = [];
    const origin = (): string | undefined => (looks.push(performance.now()) > 40 ? url : undefined);
    const patience = AbortSignal.timeout(25_000);
    const { outcome } = await client.handOver({ podUid: "p", origin }, "secret", what, patience);
    assert.equal(outcome, "done");
    assert.equal(sandbox.claims.length, 1);
    // However busy the machine is, it is so all the time: pauses that grow, as between attempts, would be ten times as long.
    const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? 0));
    const [first, last] = [percentile(gaps.slice(0, 5), 0.5), percentile(gaps.slice(-15), 0.5)];
    assert.ok(last < first * 5, `pauses grew from ${first.toFixed(0)} to ${last.toFixed(0)} ms`);
  });

  it("is given up when there is no more patience", async () => {
    const nowhere = { podUid: "p", origin: () => undefined };
    const { outcome } = await client.handOver(nowhere, "secret", what, AbortSignal.timeout(50));
    assert.equal(outcome, "silent");
  });

  it("takes the connection that was opened before, and no other pod's", async () => {
    sandbox.connections = 0;
    await client.warm("q", url, "secret");
    // The client takes it for busy until the next turn.
    await setImmediate();
    const ask = (podUid: string) =>
      client.handOver({ podUid, origin: () => url }, "secret", what, AbortSignal.timeout(5_000));
    assert.equal((await ask("q")).outcome, "done");
    assert.equal(sandbox.connections, 1);
    assert.equal((await ask("r")).outcome, "done");
    assert.equal(sandbox.connections, 2);
  });

  it("does not read an answer without end", async () => {
    sandbox.name = "x".repeat(100_000);
    assert.equal(await client.isHandedOver(url, "secret"), undefined);
    sandbox.name = "sandbox";
    assert.equal(await client.isHandedOver(url, "secret"), true);
  });
});
