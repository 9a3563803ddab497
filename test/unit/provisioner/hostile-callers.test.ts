// Callers who want to keep others from the provisioner: bodies that never end, and streams that nobody reads.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";

import { apiKey, eventually, house, type House, type Replica } from "./house.js";
import { writeKeysFile } from "./keys-file.js";

const keys = { one: "1".repeat(32), two: "2".repeat(32) };

describe("hostile callers", () => {
  let home: House;
  let replica: Replica;
  let folder: string;
  let port: number;
  const sockets: Socket[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-callers-"));
    home = await house();
    replica = await home.start({ API_KEYS_FILE: writeKeysFile(folder, keys) });
    await replica.provisioner.app.listen({ port: 0, host: "127.0.0.1" });
    port = (replica.provisioner.app.server.address() as AddressInfo).port;
    for (const key of Object.values(keys))
      assert.equal(
        (await replica.call("POST", "/v1/sandboxes", { id: "a" }, { "x-api-key": key })).statusCode,
        201,
      );
  });
  afterEach(() => {
    mock.timers.reset();
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  after(async () => {
    await home.end();
    rmSync(folder, { recursive: true });
  });

  /** Opens a connection and sends a request's beginning, or all of it. */
  async function open(text: string): Promise<Socket> {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(text);
    return socket;
  }

  const connections = (): Promise<number> =>
    new Promise((resolve) => {
      replica.provisioner.app.server.getConnections((_, count) => {
        resolve(count);
      });
    });

  it("hold no connection by a body that does not come, whatever it is for and whoever they are", async () => {
    const key = `X-API-Key: ${keys.one}\r\n`;
    for (const [line, headers] of [
      ["POST /nowhere", ""],
      ["PUT /health", ""],
      ["DELETE /nowhere", ""],
      ["POST /%73andboxes/a/", ""],
      ["POST /%zz", ""],
      ["POST /v1/%zz", ""],
      ["POST /v1/sandboxes", key],
      ["DELETE /v1/sandboxes/none", key],
      ["PUT /v1/nowhere", key],
      ["POST /api/sandboxes", key],
    ] as const) {
      mock.timers.enable({ apis: ["setTimeout"] });
      const asked = once(replica.provisioner.app.server, "request");
      const socket = await open(
        `${line} HTTP/1.1\r\nHost: x\r\n${headers}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
      );
      const closed = once(socket.resume(), "close");
      await asked;
      // What the request waits for before its body has turns of its own.
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
      mock.timers.tick(31_000);
      mock.timers.reset();
      await Promise.race([
        closed,
        once(AbortSignal.timeout(2_000), "abort").then(() => assert.fail(`${line} stays open`)),
      ]);
    }
  });

  it("hold no connection by expecting what no server knows", async () => {
    const socket = await open("POST / HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\nContent-Length: 9\r\n\r\n{");
    const closed = once(socket, "close", { signal: AbortSignal.timeout(2_000) });
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 417 /);
    await closed;
  });

  it("may take their time with what goes into their own sandbox", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const asked = once(replica.provisioner.app.server, "request");
    const socket = await open(
      `POST /sandboxes/a/v1/file/write HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.one}\r\nContent-Length: 2\r\n\r\n{`,
    );
    await asked;
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    mock.timers.tick(60_000);
    mock.timers.reset();
    socket.write("}");
    const [answer] = (await once(socket, "data")) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  });

  /** Opens a request whose body does not come, and waits until it is known whether that is let in. */
  async function begin(line: string, key: string, length: string): Promise<Socket> {
    const asked = once(replica.provisioner.app.server, "request");
    const socket = await open(
      `${line} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\n${length}\r\n\r\n`,
    );
    await asked;
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    return socket;
  }

  it("cannot fill the memory with bodies, nor keep other tenants from sending theirs", async () => {
    const mebibyte = `Content-Length: ${2 ** 20}`;
    const create = { id: "b", environment: "none" };
    const sent = async (key: string): Promise<number> =>
      (await replica.call("POST", "/v1/sandboxes", create, { "x-api-key": key })).statusCode;
    for (const line of ["POST /v1/sandboxes", "POST /api/sandboxes"])
      for (let i = 0; i < 3; i += 1) await begin(line, keys.one, mebibyte);
    // Of a body that does not say how long it is, all is kept that there may be.
    await begin("POST /v1/sandboxes", keys.one, "Transfer-Encoding: chunked");
    assert.equal(await sent(keys.one), 422);
    await begin("POST /v1/sandboxes", keys.one, mebibyte);
    for (const [line, shape] of [
      ["POST /v1/sandboxes", /"type":"urn:sandlot:problem:too-much-at-once"/],
      ["POST /api/sandboxes", /\r\n\r\n\{"detail":"[^"]+"\}/],
    ] as const) {
      const socket = await begin(line, keys.one, "Content-Length: 9");
      const signal = AbortSignal.timeout(5_000);
      const [answer] = (await once(socket, "data", { signal })) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 503 [^]*\r\nretry-after: 1\r\n/);
      assert.match(answer.toString(), shape);
    }
    assert.equal(await sent(keys.two), 422);
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually("there is room again", async () => (await sent(keys.one)) === 422);
  });

  it("send little where little is to be said, and to where nothing is", async () => {
    const long = JSON.stringify({ x: "y".repeat(4096) });
    const known = { "x-api-key": keys.one, "content-type": "application/json" };
    for (const [method, url, headers] of [
      ["POST", "/nowhere", { "content-type": "application/json" }],
      ["POST", "/v1/nowhere", known],
      ["POST", "/api/nowhere", known],
      ["POST", "/v1/sandboxes/a/extend", known],
      ["DELETE", "/v1/sandboxes/a", known],
      ["DELETE", "/api/sandboxes/a", known],
    ] as const)
      assert.equal((await replica.call(method, url, long, headers)).statusCode, 413, `${method} ${url}`);
    const rules = Array.from(
      { length: 100 },
      (_, i) =>
        `${String(i).padStart(61, "a")}.${"b".repeat(61)}.${"c".repeat(61)}.${"d".repeat(61)}.example`,
    );
    const network = { allow: rules, deny: rules };
    const { statusCode } = await replica.call("PATCH", "/v1/sandboxes/a/network", network, known);
    // Its egress is no allow list.
    assert.equal(statusCode, 422);
    assert.equal(
      (
        await replica.call(
          "PATCH",
          "/v1/sandboxes/a/network",
          { allow: [...rules, ...rules, ...rules] },
          known,
        )
      ).statusCode,
      413,
    );
  });

  it("cannot take all event streams from other tenants", async () => {
    const stream = async (key: string): Promise<number> => {
      const socket = await open(
        `GET /v1/sandboxes/a/events HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\n\r\n`,
      );
      const [head] = (await once(socket, "data")) as [Buffer];
      return Number(/^HTTP\/1\.1 (\d+)/.exec(head.toString())?.[1]);
    };
    const taken = await Promise.all(Array.from({ length: 250 }, () => stream(keys.one)));
    assert.deepEqual(
      [200, 503].map((status) => taken.filter((one) => one === status).length),
      [200, 50],
    );
    assert.equal(await stream(keys.two), 200);
    for (const socket of sockets.splice(0)) socket.destroy();
    await eventually("its streams are free again", async () => (await stream(keys.one)) === 200);
  });

  it("are let go, with all that was kept for them, when they do not read their events", async () => {
    await eventually("nothing is open", async () => (await connections()) === 0);
    const socket = await open(
      `GET /v1/sandboxes/a/events HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.one}\r\n\r\n`,
    );
    socket.pause();
    await eventually("the stream is open", async () => (await connections()) === 1);
    const mine = home.cluster.pods().find(({ metadata }) => metadata.labels?.["sandlot.dev/tenant"] === "one")
      ?.metadata.name;
    for (let change = 0; change < 400; change += 1) {
      home.cluster.update(mine ?? "", ({ metadata }) => {
        const allow = Array.from({ length: 100 }, (_, i) => `${change}.${i}.${"x".repeat(250)}.example`);
        metadata.annotations = {
          ...metadata.annotations,
          "sandlot.dev/egress-rules": JSON.stringify({ allow, deny: [] }),
        };
      });
      await new Promise(setImmediate);
    }
    await eventually("the connection has ended", async () => (await connections()) === 0);
    assert.equal(
      (await replica.call("GET", "/v1/sandboxes", undefined, { "x-api-key": apiKey })).statusCode,
      200,
    );
  });
});
