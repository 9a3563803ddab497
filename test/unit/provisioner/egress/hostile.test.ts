// One sandbox, or a server that it may reach, against the proxy that all sandboxes share: nothing that either says may end the
// proxy, keep others from it, or be read as another destination. An exception that nobody catches fails the test that runs.
import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { mock } from "node:test";

import { Registry } from "prom-client";

import { nameResolver } from "../../../../provisioner/src/egress/destination.js";
import { EgressProxy, parseRule, type Rules } from "../../../../provisioner/src/egress/index.js";
import { ownAddress as own } from "../own-address.js";
import { until } from "../router/support.js";

describe("egress: hostile sandboxes and servers", function () {
  this.timeout(60_000);
  let proxy: EgressProxy;
  let outside: Server;
  let port: number;
  let proxyPort: number;
  /** What the server outside answers, byte for byte. */
  let answer: string;
  const heard: string[] = [];
  const registry = new Registry();
  const troubles: unknown[] = [];

  before(async function () {
    if (own === undefined) this.skip();
    outside = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (chunk) => {
        heard.push(chunk.toString("latin1"));
        socket.end(answer);
      });
    }).listen(0, own);
    await once(outside, "listening");
    port = (outside.address() as AddressInfo).port;
    const allow = [parseRule(`${own}:*`)].filter((rule) => rule !== undefined);
    const rules: Rules = { allow, deny: [] };
    proxy = new EgressProxy({
      sandboxAt: (address) =>
        /^127\.0\.0\.[12]$/.test(address) ? { podUid: address, tenant: "t", rules } : undefined,
      closedRanges: [],
      onRefused: () => undefined,
      onTrouble: (error) => troubles.push(error),
      registry,
    });
    proxy.server.listen(0);
    await once(proxy.server, "listening");
    proxyPort = (proxy.server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    heard.length = troubles.length = 0;
  });
  after(async () => {
    if (own === undefined) return;
    outside.close();
    await proxy.close();
  });

  async function open(localAddress = "127.0.0.1"): Promise<Socket> {
    const socket = connect({ port: proxyPort, host: "127.0.0.1", localAddress });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    return socket;
  }

  /** A plain request with further headers; all that comes back until the end. */
  async function plain(headers = "", localAddress?: string): Promise<string> {
    const socket = await open(localAddress);
    const target = `http://${String(own)}:${port}/`;
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`);
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    await Promise.race([once(socket, "close"), once(AbortSignal.timeout(5_000), "abort")]);
    socket.destroy();
    return text;
  }

  it("takes headers with the names of what every object has for headers like others", async () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      assert.match(await plain(`${name}: a\r\n${name}: b\r\n`), /^HTTP\/1\.1 200 [^]*ok$/, name);
      assert.match(heard.at(-1) ?? "", new RegExp(`^${name}: a\r\n${name}: b\r$`, "im"));
      answer = `HTTP/1.1 200 OK\r\n${name}: c\r\n${name}: d\r\nContent-Length: 2\r\n\r\nok`;
      assert.match(await plain(), new RegExp(`^${name}: c\r\n${name}: d\r$`, "im"));
    }
    assert.deepEqual(troubles, []);
  });

  it("survives servers whose answers are none", async () => {
    for (const text of [
      "HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nx",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
      "SSH-2.0-x\r\n",
      "",
    ]) {
      answer = text;
      assert.match(await plain(), /^HTTP\/1\.1 502 /, JSON.stringify(text));
    }
    answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nnone";
    assert.doesNotMatch(await plain(), /0\r\n\r\n$/, "what is cut is not ended as if it were whole");
    answer = "HTTP/1.1 200 OK\r\nX-Text: \xe2\x9c\x93\xe9\r\nContent-Length: 2\r\n\r\nok";
    assert.match(await plain(), /^HTTP\/1\.1 200 /);
    assert.deepEqual(troubles, []);
  });

  describe("tells who still sends a body what came of it", () => {
    const bodyBytes = 4_000_000;
    beforeEach(() => {
      // The answer is held open for a time, which does not pass by itself here.
      mock.timers.enable({ apis: ["setTimeout"] });
      answer = "HTTP/1.1 413 x\r\nContent-Length: 7\r\nConnection: close\r\n\r\ntoo big";
    });
    afterEach(() => {
      mock.timers.reset();
    });

    /** Sends the beginning of a request, and gives its connection when the answer has come up to `last`. */
    async function early(host: string, last: string): Promise<{ socket: Socket; closed: Promise<string[]> }> {
      const socket = await open();
      const events: string[] = [];
      for (const event of ["end", "error"]) socket.on(event, () => events.push(event));
      const closed = new Promise<string[]>((resolve) =>
        socket.once("close", () => {
          resolve(events);
        }),
      );
      socket.write(
        `POST http://${host}:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bodyBytes}\r\n\r\nx`,
      );
      let text = "";
      const whole = new Promise<void>((resolve) =>
        socket.on("data", (chunk) => {
          text += chunk.toString("latin1");
          if (text.includes(last)) resolve();
        }),
      );
      await Promise.race([whole, closed]);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(text.includes(last), true, text);
      return { socket, closed };
    }

    for (const [what, host, last] of [
      ["a refusal", "9.9.9.9", "no rule of this sandbox allows the destination"],
      ["an early answer", String(own), "too big"],
    ] as const) {
      it(`${what}, and ends the connection when all is sent`, async () => {
        const { socket, closed } = await early(host, last);
        await new Promise((resolve) => socket.write(Buffer.alloc(bodyBytes - 2), resolve));
        socket.write("x");
        assert.deepEqual(await closed, ["end"]);
      });

      it(`${what}, and ends the connection after a while in any case`, async () => {
        const { socket, closed } = await early(host, last);
        await new Promise((resolve) => socket.write(Buffer.alloc(bodyBytes / 2), resolve));
        assert.equal(socket.readableEnded, false);
        mock.timers.tick(1_000);
        await closed;
      });
    }
  });

  it("lets one sandbox have so many connections, those without a request among them, and serves others", async () => {
    const sockets = await Promise.all(Array.from({ length: 600 }, () => open("127.0.0.1")));
    // Some are closed before all are open.
    const closed = sockets.map((socket) =>
      socket.closed ? Promise.resolve() : once(socket.resume(), "close"),
    );
    try {
      // Which they are is up to the kernel: it lets those in later that found the queue full.
      const gone = (): number => sockets.filter((socket) => socket.closed).length;
      await until(() => gone() >= 88, "those that are too many are closed");
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(gone(), 88);
      assert.match(await plain("", "127.0.0.2"), /ok$/);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await Promise.all(closed);
    assert.match(await plain(), /ok$/, "its places are free again");
  });

  describe("whoever takes nothing of what there is", () => {
    afterEach(() => {
      mock.timers.reset();
    });

    /** Lets `ms` go by at each turn, until `check` holds; false if it does not. */
    async function passes(check: () => boolean, ms = 0): Promise<boolean> {
      const end = performance.now() + 5_000;
      while (!check() && performance.now() < end) {
        await new Promise(setImmediate);
        mock.timers.tick(ms);
      }
      return check();
    }

    /** Requests what is said, as `METHOD there`, of a server that neither reads nor answers by itself; both ends. */
    async function ends(method: string, headers = ""): Promise<{ near: Socket; far: Socket }> {
      const server = createServer().listen(0, own);
      await once(server, "listening");
      const there = `${String(own)}:${(server.address() as AddressInfo).port}`;
      const near = await open();
      const connected = once(server, "connection");
      near.write(`${method.replace("there", there)} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
      const [far] = (await connected) as [Socket];
      server.close();
      return { near, far: far.pause().on("error", () => undefined) };
    }

    const much = Buffer.alloc(64 * 1024 * 1024);

    it("is cut after a while, whichever side it is", async () => {
      mock.timers.enable({ apis: ["setTimeout"] });
      for (const method of ["CONNECT there", "PUT http://there/"]) {
        const { near, far } = await ends(method, `Content-Length: ${much.length}\r\n`);
        near.pause();
        if (method.startsWith("PUT")) near.write(much);
        else far.write(much);
        // Whoever still has something to write hears of it.
        assert.equal(await passes(() => near.destroyed || far.destroyed, 1_000), true, method);
        near.destroy();
        far.destroy();
      }
    });

    it("is not who has taken all, however long nothing more comes", async () => {
      mock.timers.enable({ apis: ["setTimeout"] });
      for (const method of ["CONNECT there", "PUT http://there/"]) {
        const { near, far } = await ends(method, "Content-Length: 300000\r\n");
        let came = "";
        near.on("data", (chunk: Buffer) => (came += chunk.toString("latin1")));
        far.resume();
        near.write("x".repeat(300_000));
        assert.ok(await passes(() => far.bytesRead >= 300_000), "it is taken");
        let turns = 0;
        await passes(() => (turns += 1) > 20, 30_000);
        far.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
        assert.ok(await passes(() => came.endsWith("late")), method);
        near.destroy();
      }
    });
  });

  it("keeps nothing open for who has gone, also of requests whose answers waited behind another", async () => {
    const silent = createServer(() => undefined).listen(0, own);
    await once(silent, "listening");
    const authority = `${String(own)}:${(silent.address() as AddressInfo).port}`;
    const asked = `GET http://${authority}/ HTTP/1.1\r\nHost: x\r\n\r\n`;
    const gauge = async (): Promise<number> =>
      Number(/^sandlot_egress_open (\d+)/m.exec(await registry.metrics())?.[1]);
    for (const text of [asked.repeat(20), `${asked}CONNECT ${authority} HTTP/1.1\r\nHost: x\r\n\r\n`]) {
      const socket = await open();
      socket.write(text);
      while ((await gauge()) < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      socket.destroy();
      const end = performance.now() + 3_000;
      while ((await gauge()) > 0 && performance.now() < end)
        await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(await gauge(), 0, text.slice(-40));
    }
    silent.close();
  });

  describe("names", () => {
    let server: UdpSocket;
    let resolve: (name: string) => Promise<readonly string[]>;
    /** What the server was asked, in order. */
    const asked: Question[] = [];

    before(async () => {
      server = createSocket("udp4").bind(0, "127.0.0.1");
      await once(server, "listening");
      server.on("message", (query, from) => {
        const question = questionOf(query);
        asked.push(question);
        const reply = replyTo(query, question);
        if (reply !== undefined) server.send(reply, from.port, from.address);
      });
      resolve = nameResolver([`127.0.0.1:${server.address().port}`]);
    });
    after(() => server.close());

    it("whose servers do not answer hold up no others", async () => {
      asked.length = 0;
      let given = 0;
      const started = performance.now();
      const slow = Array.from({ length: 50 }, (_, i) =>
        resolve(`slow-${i}.example`).finally(() => (given += 1)),
      );
      assert.deepEqual(await resolve("both.example"), ["192.0.2.1", "2001:db8::1"]);
      assert.equal(given, 0, "no other name was given up before");
      // Two seconds without an answer make a second question.
      const first = asked.slice(0, asked.findLastIndex(({ name }) => name === "both") + 1);
      assert.equal(first.length, 102, "nobody had been asked for a second time");
      assert.deepEqual(new Set((await Promise.all(slow)).flat()), new Set());
      assert.ok(performance.now() - started < 10_000);
    });

    it("do not wait for the family that a server says nothing of when it has told the other", async () => {
      for (const [name, address] of [
        ["mute6", "192.0.2.1"],
        ["mute4", "2001:db8::1"],
      ] as const) {
        asked.length = 0;
        assert.deepEqual(await resolve(`${name}.example`), [address]);
        // Two seconds without an answer make a second question.
        assert.deepEqual(
          asked.map(({ type }) => type).sort(),
          [1, 28],
          "nobody had been asked for a second time",
        );
      }
    });

    it("have addresses of one family, or none at all", async () => {
      assert.deepEqual(await resolve("v4.example"), ["192.0.2.1"]);
      assert.deepEqual(await resolve("v6.example"), ["2001:db8::1"]);
      assert.deepEqual(await resolve("none.example"), []);
    });
  });
});

/** What a query asks. */
interface Question {
  /** The first label of the name. */
  readonly name: string;
  /** 1 for an address of IPv4, 28 for one of IPv6. */
  readonly type: number;
  readonly end: number;
}

function questionOf(query: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const [name = ""] = labels;
  return { name, type: query.readUInt16BE(at + 1), end: at + 5 };
}

/**
 * An answer to a query: none at all for `slow…` and for the family of `mute…`, an address of each family that the name says, or the word
 * that there is none.
 */
function replyTo(query: Buffer, { name, type, end }: Question): Buffer | undefined {
  if (name.startsWith("slow") || name === (type === 1 ? "mute4" : "mute6")) return undefined;
  const v6 = Buffer.from("20010db8000000000000000000000001", "hex");
  const data = type === 1 ? Buffer.from([192, 0, 2, 1]) : v6;
  const has = name === "both" || name.startsWith("mute") || name === (type === 1 ? "v4" : "v6");
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(has ? 1 : 0, 6);
  header.writeUInt16BE(0, 10);
  const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([header, query.subarray(12, end), ...(has ? [record, data] : [])]);
}
