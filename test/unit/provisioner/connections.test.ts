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

  it("is cut when the pod goes, claimed or not", async () => {
    assert.equal(await home.sandbox.open(), 1);
    home.cluster.startMs = undefined;
    const [pod] = home.cluster.livePods();
    home.cluster.lose(pod?.metadata.name ?? "");
    await eventually("nothing is open to it", async () => (await home.sandbox.open()) === 0);
  });
});
