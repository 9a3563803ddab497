// Services of sandboxes: nobody is given a URL that leads nowhere, or to a Service that is about to go.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { environment, eventually, house, type House, type Replica } from "./house.js";

interface Listed {
  count: number;
  sandboxes: { sandbox_id: string; sandbox_url: string }[];
}

describe("Services of sandboxes", () => {
  let home: House;
  let replica: Replica;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  const onNodes = { SANDBOX_SERVICE_TYPE: "NodePort", NODE_HOST: "127.0.0.1" };
  const create = (id: string) => replica.call("POST", "/api/sandboxes", { sandbox_id: id });
  const urlOf = async (id: string): Promise<string> =>
    (await replica.call("GET", `/api/sandboxes/${id}`)).json<{ sandbox_url: string }>().sandbox_url;
  /** The namespace's quota has no room for a Service. */
  const refuseServices = (): void => {
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/services")
        ? { status: 403, reason: "exceeded quota: services" }
        : undefined;
  };
  const readyIdle = (): number =>
    home.cluster
      .livePods()
      .filter(
        ({ metadata, status }) =>
          metadata.labels?.["sandlot.dev/state"] === "idle" && status?.phase === "Running",
      ).length;

  it("are there before an idle pod is handed out, and a pod that gets none is not kept", async () => {
    refuseServices();
    home.cluster.put("configmaps", environment("default", 1));
    replica = await home.start();
    await eventually("a pod is idle", () => readyIdle() === 1);
    const refused = await create("a");
    assert.equal(refused.statusCode, 503, refused.body);
    assert.match(refused.json<{ detail: string }>().detail, /quota/);
    const claimed = () =>
      home.cluster.livePods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "claimed");
    assert.deepEqual(claimed(), []);
    assert.equal(readyIdle(), 1);
    home.cluster.fault = () => undefined;
    await eventually("its Service is made up for", () => home.cluster.services().length === 1);
    await eventually("it is handed out", async () => (await create("a")).statusCode === 200);
    const [pod] = claimed();
    assert.match(pod?.metadata.name ?? "", /^warm-/);
    const host = new URL(await urlOf("a")).host.split(".")[0];
    assert.ok(home.cluster.services().some(({ metadata }) => metadata.name === host));
  });

  it("decide which idle pod is handed out first: one that has its own", async () => {
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/services") && home.cluster.services().length > 0
        ? { status: 403, reason: "exceeded quota: services" }
        : undefined;
    home.cluster.put("configmaps", environment("default", 6));
    replica = await home.start();
    await eventually("the pods are idle", () => readyIdle() === 6 && home.cluster.services().length === 1);
    const made = await create("a");
    assert.equal(made.statusCode, 200, made.body);
    const [service] = home.cluster.services();
    assert.equal(new URL(await urlOf("a")).host.split(".")[0], service?.metadata.name);
    assert.equal((await create("b")).statusCode, 503);
  });

  it("that cannot be made are tried less and less often, and not by every pod", async () => {
    refuseServices();
    home.cluster.put("configmaps", environment("default", 4));
    replica = await home.start();
    await eventually("the pods are idle", () => readyIdle() === 4);
    // Each is tried once when its pod is made.
    await eventually("each was tried", () => home.cluster.count("POST", "/services") >= 4);
    await sleep(200);
    const before = home.cluster.count("POST", "/services");
    await sleep(4_000);
    const tried = home.cluster.count("POST", "/services") - before;
    assert.ok(tried >= 1 && tried <= 4, `${tried} in 4 s for 4 pods`);
  });

  it("of one sandbox that has none yet keep no other out of the list", async () => {
    replica = await home.start(onNodes);
    await create("a");
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/services") ? { status: 500 } : undefined;
    assert.equal((await create("b")).statusCode, 503);
    const list = await replica.call("GET", "/api/sandboxes");
    assert.equal(list.statusCode, 200, list.body);
    const { count, sandboxes } = list.json<Listed>();
    assert.deepEqual([count, sandboxes.map(({ sandbox_id: id }) => id)], [1, ["a"]]);
  });

  it("are not made up for where the sandbox has failed: it is gone to the gateway, and made again when it asks", async () => {
    home.cluster.startMs = undefined;
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/services") ? { status: 500 } : undefined;
    replica = await home.start(onNodes);
    assert.equal((await create("a")).statusCode, 503);
    home.cluster.update("sandbox-a", (pod) => {
      pod.status = Object.assign({}, pod.status, { phase: "Failed", reason: "Evicted" });
    });
    await eventually(
      "the failure is seen",
      async () => (await replica.call("GET", "/api/sandboxes/a")).statusCode === 404,
    );
    home.cluster.fault = () => undefined;
    home.cluster.startMs = 5;
    // Longer than what was refused before is left alone for.
    await sleep(3_000);
    assert.equal(home.cluster.services().length, 0);
    const made = await create("a");
    assert.equal(made.statusCode, 200, made.body);
    assert.equal(home.cluster.services().length, 1);
  });

  it("of an earlier pod of the same name are not taken for the new one's", async () => {
    // Longer than a create waits: it must not answer with what is about to go.
    home.cluster.collectMs = 2_500;
    replica = await home.start(onNodes);
    await create("a");
    const before = await urlOf("a");
    await replica.call("DELETE", "/api/sandboxes/a");
    let made = await create("a");
    assert.ok(!made.body.includes(before), made.body);
    await eventually("it has its own", async () => {
      made = await create("a");
      return made.statusCode === 200;
    });
    assert.equal(home.cluster.services().length, 1);
    const port = (home.cluster.services()[0]?.spec as { ports: { nodePort: number }[] }).ports[0]?.nodePort;
    const url = `http://127.0.0.1:${port ?? ""}`;
    assert.notEqual(url, before);
    assert.equal(made.json<{ sandbox_url: string }>().sandbox_url, url);
    const other = await home.start(onNodes);
    assert.equal(
      (await other.call("GET", "/api/sandboxes/a")).json<{ sandbox_url: string }>().sandbox_url,
      url,
    );
  });
});
