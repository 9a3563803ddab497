// The connection to a sandbox: open before the pod is claimed, used by the hand-over and by the first command, gone with the pod.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";

import { apiKey, environment, eventually, house, type House, type Replica } from "./house.js";

describe("the connection to a sandbox", () => {
  let home: House;
  let replica: Replica;
  let port: number;

  beforeEach(async () => {
    home = await house();
    home.cluster.put("configmaps", environment("default", 1));
    replica = await home.start();
    await replica.provisioner.app.listen({ port: 0, host: "127.0.0.1" });
    ({ port } = replica.provisioner.app.server.address() as AddressInfo);
    await eventually("the idle pod is asked", () => home.sandbox.requests.length === 1);
  });

  afterEach(() => home.end());

  /** A request by the router. */
  async function routed(path: string): Promise<number | undefined> {
    const sent = request({ port, path, headers: { "x-api-key": apiKey } }).end();
    const [answer] = (await once(sent, "response")) as [{ statusCode?: number; resume(): void }];
    answer.resume();
    return answer.statusCode;
  }

  it("is one from before the claim to the first command", async () => {
    // Refilled, the pool would have a connection of its own.
    home.cluster.put("configmaps", environment("default", 0));
    const { statusCode } = await replica.call("POST", "/v1/sandboxes", { id: "one" });
    assert.equal(statusCode, 201);
    assert.equal(await routed("/sandboxes/one/hello"), 200);
    assert.deepEqual(
      home.sandbox.requests.map(({ what }) => what),
      ["GET /v1/claim", "POST /v1/claim", "GET /hello"],
    );
    assert.equal(home.sandbox.connections, 1);
  });

  it("is opened as soon as the pod can be reached, which may be after it is Ready", async () => {
    const [pod] = home.cluster.livePods();
    const server = pod?.spec?.containers[0]?.ports?.[0]?.containerPort;
    await home.sandbox.stop();
    home.cluster.put("configmaps", environment("default", 2));
    await eventually("there is another Ready pod", () => home.cluster.readyPods().length === 2);
    const asked = home.sandbox.requests.length;
    await home.sandbox.start(server);
    await eventually("it is asked", () => home.sandbox.requests.length > asked, 4_000);
  });

  it("to the API server outlives a delete, whose request has a body", async () => {
    // As many at once as connections are needed later.
    const ids = ["a", "b", "c"];
    await Promise.all(ids.map((id) => replica.call("POST", "/v1/sandboxes", { id })));
    const before = home.cluster.connections;
    for (const id of ids) assert.equal((await replica.call("DELETE", `/v1/sandboxes/${id}`)).statusCode, 204);
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "d" })).statusCode, 201);
    assert.equal(home.cluster.connections, before);
  });

  it("is cut when the pod goes, claimed or not", async () => {
    assert.equal(await home.sandbox.open(), 1);
    home.cluster.startMs = undefined;
    const [pod] = home.cluster.livePods();
    home.cluster.lose(pod?.metadata.name ?? "");
    await eventually("nothing is open to it", async () => (await home.sandbox.open()) === 0);
  });
});
