// Pods that cease to be Ready and are Ready again a moment later, as all of a node's are when its kubelet starts anew.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { environment, eventually, house, type House } from "./house.js";

/** Longer than a round of the reaper and the pool keeper. */
const roundMs = 1_500;
const oldMs = 400_000;

describe("a pod that is unready for a moment", () => {
  let home: House;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  /** What the kubelet says first when it has started anew: since `readyMs` after the pod's creation it is not Ready. */
  const becomesUnready = (name: string): void => {
    home.cluster.update(name, (pod) => {
      const at = (ms: number): string =>
        new Date(Date.parse(pod.metadata.creationTimestamp) + ms).toISOString();
      pod.status = Object.assign({}, pod.status, {
        conditions: [{ type: "Ready", status: "False", lastTransitionTime: at(oldMs) }],
        containerStatuses: [
          { name: "sandbox", started: false, ready: false, state: { running: { startedAt: at(1_000) } } },
        ],
      });
    });
  };
  const names = (): string[] => home.cluster.livePods().map(({ metadata }) => metadata.name);

  it("is not taken for a sandbox that never started, however old it is, nor by the gateway for one that starts", async () => {
    // As another server than ours answers the question for its claim, and another replica than the one that made it.
    home.sandbox.status = 404;
    const settings = { SANDBOX_SERVER: "aio" };
    const leader = await home.start(settings);
    const other = await home.start(settings);
    const { statusCode, body } = await other.call("POST", "/api/sandboxes", { sandbox_id: "x" });
    assert.equal(statusCode, 200, body);
    home.pass(oldMs);
    const before = names();
    for (const name of before) becomesUnready(name);
    await eventually(
      "the leader sees it",
      async () => (await leader.call("GET", "/api/sandboxes/x")).statusCode === 503,
    );
    await sleep(roundMs);
    assert.deepEqual(names(), before);
  });

  it("stays in the pool, and is given up when it stays so", async () => {
    home.cluster.put("configmaps", environment("default", 3));
    const replica = await home.start();
    await eventually("the replica sees that the pool is full", async () => {
      const { body } = await replica.call("GET", "/v1/environments");
      return body.includes('"ready":3');
    });
    home.pass(oldMs);
    const before = names();
    home.cluster.startMs = undefined;
    for (const name of before) becomesUnready(name);
    await sleep(roundMs);
    assert.deepEqual(names(), before);
    home.pass(40_000);
    await eventually("others take their place", () => names().every((name) => !before.includes(name)));
  });
});
