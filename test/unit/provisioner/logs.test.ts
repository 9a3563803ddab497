// Logs as answers: that none is kept for a caller who does not read it, and how many there may be.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { mock } from "node:test";

import Fastify, { type FastifyInstance } from "fastify";

import { Shares } from "../../../provisioner/src/core/shares.js";
import { sendLogs } from "../../../provisioner/src/http/logs.js";

describe("logs as an answer", () => {
  let app: FastifyInstance;
  let sources: Readable[];
  let sockets: Socket[];
  /** What the API server gives each time it is asked for more; nothing: it keeps silent. */
  let more: Buffer | undefined;

  beforeEach(async () => {
    [sources, sockets] = [[], []];
    const open = new Shares({ inAll: 3, ofTenant: 2 });
    app = Fastify();
    app.decorateRequest("caller");
    app.get("/:tenant", (request, reply) => {
      const { tenant } = request.params as { tenant: string };
      request.caller = { tenant } as typeof request.caller;
      return sendLogs(open, request, reply, () => {
        const source = new Readable({
          read() {
            if (more !== undefined) setImmediate(() => this.push(more));
          },
        });
        sources.push(source);
        return Promise.resolve(source);
      });
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
  });
  afterEach(async () => {
    mock.timers.reset();
    for (const socket of sockets) socket.destroy();
    await app.close();
  });

  /** Asks, once or several times on one connection. */
  async function ask(tenant: string, times = 1): Promise<Socket> {
    const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(`GET /${tenant} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(times));
    return socket;
  }

  /** Lets `ms` go by at each turn, until `check` holds; false if it does not. */
  async function passes(check: () => boolean, ms = 0): Promise<boolean> {
    const end = performance.now() + 5_000;
    while (!check() && performance.now() < end) {
      await new Promise(setImmediate);
      if (ms > 0) mock.timers.tick(ms);
    }
    return check();
  }

  async function statusOf(tenant: string): Promise<string> {
    const socket = await ask(tenant);
    const [answer] = (await once(socket, "data", { signal: AbortSignal.timeout(5_000) })) as [Buffer];
    return answer.toString();
  }

  it("is cut when it is not read, also where it waits behind another", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    more = Buffer.alloc(64 * 1024);
    (await ask("one", 2)).pause();
    assert.ok(await passes(() => sources.length === 2), "both are asked for");
    // Less than what ends one that is read.
    let turns = 0;
    await passes(() => (turns += 1) > 500);
    for (let second = 0; second < 12; second += 1) mock.timers.tick(1_000);
    assert.ok(await passes(() => sources.every(({ destroyed }) => destroyed)));
  });

  it("is cut when it takes too long as a whole", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    more = undefined;
    (await ask("one")).resume();
    assert.ok(await passes(() => sources.length === 1));
    mock.timers.tick(59_000);
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    assert.equal(sources[0]?.destroyed, false);
    mock.timers.tick(2_000);
    assert.ok(await passes(() => sources[0]?.destroyed === true));
  });

  it("is refused where too many are open, of a tenant or in all, and not when they have ended", async () => {
    more = Buffer.from("x");
    for (const tenant of ["one", "one", "two"]) assert.match(await statusOf(tenant), /^HTTP\/1\.1 200 /);
    for (const tenant of ["one", "three"]) {
      const answer = await statusOf(tenant);
      assert.match(answer, /^HTTP\/1\.1 503 [^]*"type":"urn:sandlot:problem:too-many-logs-at-once"/);
      assert.match(answer, /retry-after: 2/);
    }
    for (const socket of sockets.splice(0)) socket.destroy();
    assert.ok(await passes(() => sources.every(({ destroyed }) => destroyed)));
    assert.match(await statusOf("one"), /^HTTP\/1\.1 200 /);
  });
});
