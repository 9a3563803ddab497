// A replica that is told to stop while a request through it goes on: the sandbox is in use, and the others must see that.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { mock } from "node:test";

import { apiKey, eventually, house, type House } from "./house.js";
import { writeKeysFile } from "./keys-file.js";

describe("a replica that ends", () => {
  let home: House;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  it("writes down that a sandbox is used through it until the request has ended, and ends then", async () => {
    const replica = await home.start({
      ...{ SANDBOX_SERVICE_TYPE: "Router", ROUTER_URL: "http://router.test", DRAIN_SECONDS: "60" },
    });
    const { provisioner } = replica;
    await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = provisioner.app.server.address() as AddressInfo;
    const made = await replica.call("POST", "/v1/sandboxes", { id: "used", idleTimeoutSeconds: 10 });
    assert.equal(made.statusCode, 201, made.body);
    const headers = { "x-sandbox-token": made.json<{ token: string }>().token };
    const upload = request({
      port,
      host: "127.0.0.1",
      method: "POST",
      path: "/sandboxes/used/v1/upload",
      headers,
    });
    const answered = once(upload, "response");
    const arrived = once(provisioner.app.server, "request");
    upload.write("first");
    await arrived;
    const writing = setInterval(() => upload.write("more"), 200);
    try {
      const stopped = provisioner.stop();
      const since = Date.now() + 1_000;
      const writtenDown = (): number =>
        Date.parse(home.cluster.pods()[0]?.metadata.annotations?.["sandlot.dev/last-active-at"] ?? "");
      await eventually("what is used is written down", () => writtenDown() > since);
      clearInterval(writing);
      upload.end();
      const [answer] = (await answered) as [{ statusCode: number }];
      assert.equal(answer.statusCode, 200);
      await stopped;
    } finally {
      clearInterval(writing);
      upload.destroy();
    }
  });

  it("does not wait for connections on which nobody has asked for anything", async () => {
    const replica = await home.start({ DRAIN_SECONDS: "60" });
    const { provisioner } = replica;
    await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = provisioner.app.server.address() as AddressInfo;
    const silent = connect(port, "127.0.0.1");
    const halfway = connect(port, "127.0.0.1");
    await Promise.all([once(silent, "connect"), once(halfway, "connect")]);
    halfway.write("GET /health HTTP/1.1\r\n");
    // That they are reset is how they end.
    const ended = (socket: Socket): Promise<void> =>
      new Promise((resolve) => {
        socket.on("error", () => undefined);
        socket.resume().once("close", resolve);
      });
    const cut = Promise.all([ended(silent), ended(halfway)]);
    const started = performance.now();
    await provisioner.stop();
    await cut;
    assert.ok(performance.now() - started < 10_000);
  });

  it("carries out what comes on connections that are open, and says on each answer that it is the last", async () => {
    const replica = await home.start({ DRAIN_SECONDS: "60" });
    const { provisioner } = replica;
    await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = provisioner.app.server.address() as AddressInfo;
    const create = (id: string): string => {
      const text = JSON.stringify({ id });
      return `POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nX-API-Key: ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    };
    const events = "GET /v1/sandboxes/late/events HTTP/1.1\r\nHost: x\r\nX-API-Key: " + apiKey + "\r\n\r\n";
    const [busy, unused, follower] = [0, 1, 2].map(() => connect(port, "127.0.0.1"));
    assert.ok(busy !== undefined && unused !== undefined && follower !== undefined);
    const answers = [busy, unused, follower].map((socket) => text(socket));
    await Promise.all([busy, unused, follower].map((socket) => once(socket, "connect")));
    let go: (() => void) | undefined;
    home.sandbox.before = (what) =>
      what === "POST /v1/claim" && go === undefined
        ? new Promise<void>((resolve) => (go = resolve))
        : Promise.resolve();
    busy.write(create("early"));
    await eventually("a create is under way", () => go !== undefined);
    const stopped = provisioner.stop();
    unused.write(create("late"));
    const late = await answers[1];
    assert.match(late ?? "", /^HTTP\/1\.1 201 /);
    follower.write(events);
    const refused = await answers[2];
    assert.match(refused ?? "", /^HTTP\/1\.1 503 /);
    assert.match(refused ?? "", /"urn:sandlot:problem:the-replica-ends"/);
    assert.match(refused ?? "", /^retry-after: \d+\r$/im);
    go?.();
    assert.match((await answers[0]) ?? "", /^HTTP\/1\.1 201 /);
    for (const answer of await Promise.all(answers)) {
      assert.match(answer, /^connection: close\r$/im);
      assert.match(answer, /^x-request-id: [\w-]+\r$/im);
    }
    await stopped;
  });

  it("cuts what a key holds open that is taken away meanwhile", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sandlot-drain-"));
    mock.timers.enable({ apis: ["setInterval"] });
    try {
      const [old, other] = ["1".repeat(32), "2".repeat(32)];
      const file = writeKeysFile(folder, { one: old });
      const replica = await home.start({ API_KEYS_FILE: file, DRAIN_SECONDS: "60" });
      const { provisioner } = replica;
      await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
      const { port } = provisioner.app.server.address() as AddressInfo;
      const headers = { "x-api-key": old };
      assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "a" }, headers)).statusCode, 201);
      let opening = false;
      home.sandbox.before = (what) => {
        opening ||= what === "GET /v1/shell/ws";
        return opening ? new Promise(() => undefined) : Promise.resolve();
      };
      const tunnel = connect(port, "127.0.0.1").on("error", () => undefined);
      tunnel.write(
        `GET /sandboxes/a/v1/shell/ws HTTP/1.1\r\nHost: x\r\nX-API-Key: ${old}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      tunnel.resume();
      await eventually("the tunnel is being opened", () => opening);
      const stopped = provisioner.stop();
      writeKeysFile(folder, { one: other });
      // Sooner than the handshake takes too long.
      const cut = (): boolean => {
        mock.timers.tick(1_000);
        return tunnel.closed;
      };
      await eventually("the tunnel is cut", cut, 5_000);
      await stopped;
    } finally {
      mock.timers.reset();
      rmSync(folder, { recursive: true });
    }
  });

  it("keeps to its time when the API server does not answer", async () => {
    const replica = await home.start({ DRAIN_SECONDS: "1", API_PATIENCE_SECONDS: "60" });
    const { provisioner } = replica;
    await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = provisioner.app.server.address() as AddressInfo;
    const made = await replica.call("POST", "/v1/sandboxes", { id: "used", idleTimeoutSeconds: 10 });
    await eventually("it leads", () => home.cluster.count("POST", "/leases") > 0);
    const upload = request({
      ...{ port, host: "127.0.0.1", method: "POST", path: "/sandboxes/used/v1/upload" },
      headers: { "x-sandbox-token": made.json<{ token: string }>().token },
    });
    upload.on("error", () => undefined).on("response", (answer) => answer.resume());
    const cut = once(upload, "close");
    const arrived = once(provisioner.app.server, "request");
    upload.write("first");
    await arrived;
    const writing = setInterval(() => upload.write("more"), 200);
    try {
      home.cluster.fault = () => "no-answer";
      const started = performance.now();
      const stopped = provisioner.stop();
      await cut;
      assert.ok(performance.now() - started < 5_000, "the request has its time and no more");
      await stopped;
      assert.ok(performance.now() - started < 8_000, "what is reserved for the rest is enough");
    } finally {
      clearInterval(writing);
      upload.destroy();
    }
  });
});
