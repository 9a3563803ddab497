// A replica that sees later than another what becomes of a sandbox: what it says of it must be true all the same.
import assert from "node:assert/strict";

import { environment, eventually, house, type House, type Replica } from "./house.js";

describe("a replica that is behind another, of a sandbox that was deleted and made again", () => {
  let home: House;
  let ahead: Replica;
  let behind: Replica;

  beforeEach(async () => {
    home = await house();
    home.cluster.put("configmaps", environment("default", 3));
    ahead = await home.start();
    behind = await home.start();
    await eventually("the pool is full", () => home.cluster.readyPods().length === 3);
    await create();
    await eventually("both see the sandbox", async () => (await statusOf(behind, "GET")) === 200);
  });

  afterEach(() => home.end());

  const statusOf = async (replica: Replica, method: "GET" | "DELETE"): Promise<number> =>
    (await replica.call(method, "/v1/sandboxes/x")).statusCode;
  const create = async (): Promise<void> => {
    const { statusCode, body } = await ahead.call("POST", "/v1/sandboxes", { id: "x" });
    assert.equal(statusCode, 201, body);
  };
  const pods = () =>
    home.cluster.pods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === "x");
  const live = () => pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined);

  describe("while the old one is going", () => {
    beforeEach(async () => {
      home.cluster.stopMs = undefined;
      assert.equal(await statusOf(ahead, "DELETE"), 204);
      await eventually("both see that it goes", async () => (await statusOf(behind, "GET")) === 404);
      home.cluster.lagMs = (watch) => (watch === 2 ? 60_000 : 0);
    });

    it("deletes the new one, and says so", async () => {
      await create();
      assert.equal(await statusOf(behind, "DELETE"), 204);
      assert.deepEqual(live(), []);
      assert.equal(await statusOf(behind, "DELETE"), 404);
    });

    it("deletes it for DeerFlow's gateway", async () => {
      await create();
      assert.equal((await behind.call("DELETE", "/api/sandboxes/x")).statusCode, 200);
      assert.deepEqual(live(), []);
    });

    it("has a moment to see the new one", async () => {
      home.cluster.lagMs = (watch) => (watch === 2 ? 100 : 0);
      await create();
      assert.equal(await statusOf(behind, "GET"), 200);
    });
  });

  it("deletes the new one although it takes the old one for it", async () => {
    home.cluster.lagMs = (watch) => (watch === 2 ? 60_000 : 0);
    assert.equal(await statusOf(ahead, "DELETE"), 204);
    await eventually("the old one is gone", () => pods().length === 0);
    await create();
    assert.equal(await statusOf(behind, "DELETE"), 204);
    assert.deepEqual(live(), []);
  });
});
