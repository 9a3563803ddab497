// A pool on a real cluster over time: idle pods are replaced when they are old, while those that are Ready stay as many as there should be.
import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";

import { eventually, isReady } from "../support/cluster.js";
import { Stage } from "./stage.js";

const size = 3;
/** The least that it can be set to. */
const maxAgeSeconds = 60;

describe("a pool of the provisioner", function () {
  this.timeout(240_000);
  let stage: Stage;

  const uidOf = ({ metadata }: V1Pod): string => metadata?.uid ?? "";
  const bornAt = ({ metadata }: V1Pod): number => metadata?.creationTimestamp?.getTime() ?? NaN;
  const idle = async (): Promise<V1Pod[]> =>
    (await stage.pods()).filter(({ metadata }) => metadata?.labels?.["sandlot.dev/state"] === "idle");

  before(async () => {
    stage = new Stage(`sandlot-pool-${process.pid}`);
    await stage.set(size);
    await stage.start({ POOL_MAX_AGE_SECONDS: String(maxAgeSeconds) });
    await stage.full(size);
  });

  after(() => stage.strike());

  it("is replaced by age: never fewer Ready ones than it should have, and never twice as many", async () => {
    const first = await idle();
    assert.equal(first.length, size);
    const youngest = Math.max(...first.map(bornAt));
    const old = new Set(first.map(uidOf));
    let [fewest, most] = [Infinity, 0];
    await eventually(
      "all of them are replaced",
      async () => {
        const pods = await idle();
        fewest = Math.min(fewest, pods.filter(isReady).length);
        most = Math.max(most, pods.length);
        if (pods.some((pod) => old.has(uidOf(pod)))) return false;
        return pods.length === size && pods.every(isReady);
      },
      maxAgeSeconds + 60,
    );
    const took = (Date.now() - youngest) / 1000;
    assert.ok(took >= maxAgeSeconds, `replaced after ${took} s`);
    assert.ok(fewest >= size, `${fewest} of ${size} were Ready`);
    assert.ok(most <= 2 * size, `there were ${most}`);
    console.log(
      `      replaced ${(took - maxAgeSeconds).toFixed(1)} s after the youngest was of age; at most ${most} pods at once`,
    );
  });
});
