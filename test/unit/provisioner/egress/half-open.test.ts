// Tunnels of which one side has ended: all that was said gets through, however slowly it is read, and nothing stays open for ever.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

import { Registry } from "prom-client";

import { EgressProxy, parseRule, type Rules } from "../../../../provisioner/src/egress/index.js";
import { ownAddress as own } from "../own-address.js";
import { until } from "../router/support.js";

/** Less than streams buffer before they say that they are full, so that what follows it is read on all the same: the end. */
const pieceBytes = 8_192;
/** More than the buffers of sockets hold, by far. */
const mostPieces = 10_000;

/** A tunnel: both ends, and between them the proxy's sockets to either. */
interface Tunnel {
  readonly sandbox: Socket;
  readonly toSandbox: Socket;
  readonly toDestination: Socket;
  readonly destination: Socket;
}

describe("egress: tunnels of which one side has ended", function () {
  this.timeout(20_000);
  let proxy: EgressProxy;
  let server: Server;
  let registry: Registry;
  let rules: Rules;

  before(async function () {
    if (own === undefined) this.skip();
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, own);
    await once(server, "listening");
    rules = { allow: [parseRule(`${own}:*`)].filter((rule) => rule !== undefined), deny: [] };
  });
  beforeEach(async () => {
    registry = new Registry();
    proxy = new EgressProxy({
      sandboxAt: () => ({ podUid: "uid", tenant: "t", rules }),
      closedRanges: [],
      onRefused: () => undefined,
      registry,
    });
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
  });
  afterEach(() => proxy.close());
  after(() => server.close());

  async function open(): Promise<Tunnel> {
    const accepted = [once(proxy.server, "connection"), once(server, "connection")] as const;
    const sandbox = connect({
      ...{ port: (proxy.server.address() as AddressInfo).port, host: "127.0.0.1" },
      allowHalfOpen: true,
    });
    let toDestination = sandbox;
    const note = (message: unknown): void => void ({ socket: toDestination } = message as { socket: Socket });
    subscribe("net.client.socket", note);
    const target = `${String(own)}:${(server.address() as AddressInfo).port}`;
    sandbox.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    const [[toSandbox], [destination]] = (await Promise.all(accepted)) as [[Socket], [Socket]];
    unsubscribe("net.client.socket", note);
    for (const socket of [sandbox, destination]) socket.on("error", () => undefined);
    const [answer] = (await once(sandbox, "data")) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
    sandbox.pause();
    return { sandbox, toSandbox, toDestination, destination };
  }

  /** Says something until the proxy has some of it that it cannot pass on, because nobody reads; how much that was. */
  async function fill(from: Socket, passing: Socket): Promise<number> {
    const before = passing.bytesWritten;
    let bytes = 0;
    for (let pieces = 0; passing.writableLength === 0; pieces += 1) {
      assert.ok(pieces < mostPieces, "buffers have an end");
      from.write(Buffer.alloc(pieceBytes, "x"));
      bytes += pieceBytes;
      while (passing.bytesWritten - before < bytes) await new Promise((resolve) => setImmediate(resolve));
    }
    return bytes;
  }

  /** Reads until the end or until it is cut; how much that was. */
  async function read(socket: Socket): Promise<number> {
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
    await new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
    return bytes;
  }

  const openOnes = async (): Promise<number> =>
    Number(/^sandlot_egress_open (\d+)/m.exec(await registry.metrics())?.[1]);
  const released = async (): Promise<void> => {
    while ((await openOnes()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  for (const asker of ["has said all", "may say more"])
    it(`keep the end of an answer for a sandbox that reads late and ${asker}`, async () => {
      const { sandbox, toSandbox, destination } = await open();
      if (asker === "has said all") sandbox.end();
      const bytes = await fill(destination, toSandbox);
      destination.end(() => {
        if (asker === "may say more") destination.destroy();
      });
      destination.resume();
      await once(destination, "close");
      await until(() => toSandbox.writableEnded, "the proxy has seen the end");
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(await openOnes(), 1, "what is not read yet counts as open");
      assert.equal(await read(sandbox), bytes);
      sandbox.end();
      await released();
    });

  it("pass the end of either side on, and what the other says after it", async () => {
    const one = await open();
    one.sandbox.end("question");
    assert.equal(await read(one.destination), 8);
    one.destination.end("answer");
    assert.equal(await read(one.sandbox), 6);
    const other = await open();
    other.destination.end("greeting");
    assert.equal(await read(other.sandbox), 8);
    other.sandbox.end("thanks");
    assert.equal(await read(other.destination), 6);
    await released();
  });

  it("keep the end of what a sandbox sent for a destination that reads late", async () => {
    const { sandbox, toSandbox, toDestination, destination } = await open();
    destination.end();
    assert.equal(await read(sandbox), 0);
    const bytes = await fill(sandbox, toDestination);
    sandbox.end();
    await until(() => toSandbox.closed, "the sandbox's side is closed");
    assert.equal(await openOnes(), 1, "what is not read yet counts as open");
    assert.equal(await read(destination), bytes);
    await released();
  });

  it("are cut like others, also what is still on its way", async () => {
    const { sandbox, toSandbox, destination } = await open();
    const bytes = await fill(destination, toSandbox);
    sandbox.end();
    destination.end();
    destination.resume();
    await once(destination, "close");
    proxy.recheck("uid", undefined);
    await released();
    assert.equal(toSandbox.destroyed, true);
    assert.ok((await read(sandbox)) < bytes);
  });

  it("end when nobody reads or says anything for long", async () => {
    const { sandbox, toSandbox, destination } = await open();
    await fill(destination, toSandbox);
    sandbox.end();
    destination.end();
    destination.resume();
    await once(destination, "close");
    assert.equal(toSandbox.timeout, 15 * 60_000);
    toSandbox.emit("timeout");
    await released();
    assert.equal(toSandbox.destroyed, true);
  });
});
