// The egress proxy on real sockets: what gets through, what does not however it is asked for, and that changes count at once.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

import { Registry } from "prom-client";

import {
  EgressProxy,
  parseRule,
  type RefusedEgress,
  type Rule,
  type Rules,
} from "../../../../provisioner/src/egress/index.js";
import { ownAddress as own } from "../own-address.js";

const rules = (allow: string[], deny: string[] = []): Rules => {
  const read = (text: string): Rule => {
    const rule = parseRule(text);
    if (rule === undefined) throw new Error(text);
    return rule;
  };
  return { allow: allow.map(read), deny: deny.map(read) };
};

describe("egress: proxy", function () {
  this.timeout(120_000);
  let proxy: EgressProxy;
  let server: Server;
  let port: number;
  let proxyPort: number;
  let current: Rules;
  let registry: Registry;
  const refused: RefusedEgress[] = [];
  const seen: IncomingMessage[] = [];
  const asked: string[] = [];
  let resolve: (name: string) => string[];

  before(async function () {
    if (own === undefined) this.skip();
    server = createServer((request, response) => {
      seen.push(request);
      if (request.url === "/away")
        response.writeHead(302, { location: "http://169.254.169.254/latest" }).end();
      else request.pipe(response.writeHead(200, { "x-own": "1", connection: "close, x-hop", "x-hop": "1" }));
    });
    server.on("upgrade", (_, socket) => socket.destroy());
    server.listen(0, own);
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    registry = new Registry();
    proxy = new EgressProxy({
      sandboxAt: (address) =>
        address === "127.0.0.1" ? { podUid: "uid", tenant: "t", rules: current } : undefined,
      closedRanges: ["10.255.0.0/16"],
      onRefused: (one) => refused.push(one),
      registry,
      resolve: (name) => {
        asked.push(name);
        return Promise.resolve(resolve(name));
      },
    });
    proxy.server.listen(0);
    await once(proxy.server, "listening");
    proxyPort = (proxy.server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    current = rules([`${String(own)}:*`, "*.allowed.example:*"]);
    resolve = () => [String(own)];
    refused.length = seen.length = asked.length = 0;
  });
  after(async () => {
    if (own === undefined) return;
    await proxy.close();
    server.closeAllConnections();
    server.close();
  });

  /** Asks for a tunnel; the status and, if there is one, the open socket. */
  async function tunnel(
    authority: string,
    localAddress = "127.0.0.1",
  ): Promise<{ status: number; socket: Socket }> {
    const socket = connect({ port: proxyPort, host: "127.0.0.1", localAddress });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1]);
    if (status !== 200) socket.destroy();
    return { status, socket };
  }

  /** A plain request through the proxy. */
  async function plain(
    url: string,
    options: { method?: string; body?: string; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; body: string; incoming: IncomingMessage }> {
    const outgoing = httpRequest({
      host: "127.0.0.1",
      port: proxyPort,
      path: url,
      method: options.method ?? "GET",
      headers: options.headers,
      agent: false,
    });
    outgoing.end(options.body);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of incoming) body += String(chunk);
    return { status: incoming.statusCode ?? 0, body, incoming };
  }

  const get = async (socket: Socket, path: string): Promise<string> => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    return text;
  };

  it("tunnels to an allowed address and to an allowed name", async () => {
    for (const host of [String(own), "a.allowed.example", "A.Allowed.Example."]) {
      const { status, socket } = await tunnel(`${host}:${port}`);
      assert.equal(status, 200, host);
      assert.match(await get(socket, "/x"), /x-own: 1/i);
    }
    assert.deepEqual(asked, ["a.allowed.example", "a.allowed.example"]);
    assert.equal(refused.length, 0);
  });

  it("carries plain requests with their bodies, and keeps the connection's and the proxy's headers out", async () => {
    const { status, body, incoming } = await plain(`http://a.allowed.example:${port}/p?q=1`, {
      method: "POST",
      body: "hello",
      headers: {
        "Proxy-Authorization": "Basic x",
        "Proxy-Connection": "x",
        Connection: "x-named",
        "X-Named": "1",
        Host: "evil.example",
        "X-Kept": "1",
      },
    });
    assert.deepEqual(
      [status, body, incoming.headers["x-own"], incoming.headers["x-hop"]],
      [200, "hello", "1", undefined],
    );
    const { url, headers } = seen[0] as IncomingMessage;
    assert.deepEqual(
      [url, headers.host, headers["proxy-authorization"], headers["x-named"], headers["x-kept"]],
      ["/p?q=1", `a.allowed.example:${port}`, undefined, undefined, "1"],
    );
    const chunked = await plain(`http://${String(own)}:${port}/`, {
      method: "POST",
      body: "abc",
      headers: { "transfer-encoding": "chunked" },
    });
    assert.equal(chunked.body, "abc");
  });

  it("refuses what no rule allows without resolving it, and says why to the log", async () => {
    for (const authority of [
      "evil.example:443",
      "secret-data.evil.example:443",
      "allowed.example:443",
      "allowed.example.evil.example:443",
      "9.9.9.9:443",
    ])
      assert.equal((await tunnel(authority)).status, 403, authority);
    assert.equal((await plain("http://evil.example/")).status, 403);
    assert.deepEqual(asked, []);
    assert.deepEqual(refused[0], { podUid: "uid", host: "evil.example", port: 443, reason: "not_allowed" });
    assert.equal(refused.length, 6);
    assert.match(await registry.metrics(), /sandlot_egress_refused_total\{reason="not_allowed"\} [6-9]/);
  });

  it("goes by what a name resolves to, and dials nothing else", async () => {
    for (const [addresses, reason] of [
      [["169.254.169.254"], "closed"],
      [["127.0.0.1"], "closed"],
      [["::1"], "closed"],
      [["::ffff:169.254.169.254"], "closed"],
      [["10.255.0.1"], "closed"],
      [["10.254.0.1"], "private"],
      [[String(own), "169.254.169.254"], "closed"],
      [["not an address"], "invalid"],
      [[], "unresolvable"],
    ] as const) {
      resolve = () => [...addresses];
      refused.length = 0;
      assert.notEqual((await tunnel(`a.allowed.example:${port}`)).status, 200, addresses.join());
      assert.equal(refused[0]?.reason, reason, addresses.join());
    }
    // A name whose owner changes the answer after the first look: there is no second look.
    let looks = 0;
    resolve = () => [looks++ === 0 ? String(own) : "169.254.169.254"];
    const { status, socket } = await tunnel(`a.allowed.example:${port}`);
    assert.deepEqual([status, looks], [200, 1]);
    assert.match(await get(socket, "/x"), /x-own/i);
    assert.equal(looks, 1);
  });

  it("cannot be talked past by other spellings, ports and forms", async () => {
    current = rules([`${String(own)}:${port}`, "*:*"], ["*.denied.example:*"]);
    for (const authority of [
      "2852039166:80",
      "0xa9fea9fe:80",
      "169.254.43518:80",
      "0251.0376.0251.0376:80",
      "[::ffff:a9fe:a9fe]:80",
      "[::169.254.169.254]:80",
      "[64:ff9b::a9fe:a9fe]:80",
      "[fe80::1%25eth0]:80",
      "localhost.:0",
      "a.denied.example:443",
      "A.DENIED.example.:443",
      `x@${String(own)}:${port}`,
      `${String(own)}:${port}/x`,
      String(own),
      ":80",
      "a:99999",
      "a:080",
    ])
      assert.notEqual((await tunnel(authority)).status, 200, authority);
    resolve = () => ["127.0.0.1"];
    assert.equal((await tunnel("localhost:80")).status, 403);
    for (const url of [
      "/relative",
      `https://${String(own)}:${port}/`,
      `ftp://${String(own)}:${port}/`,
      `http://u:p@${String(own)}:${port}/`,
      "http://",
      "*",
    ])
      assert.equal((await plain(url)).status, 400, url);
    assert.equal(seen.length, 0);
  });

  it("follows no redirect; the next request is judged for itself", async () => {
    const { status, incoming } = await plain(`http://${String(own)}:${port}/away`);
    assert.deepEqual([status, incoming.headers.location], [302, "http://169.254.169.254/latest"]);
    assert.equal((await plain(incoming.headers.location ?? "")).status, 403);
    assert.equal(
      (await plain("http://169.254.169.254/latest")).body,
      "no rule of this sandbox allows the destination",
    );
  });

  it("serves no caller that is not such a sandbox", async () => {
    assert.equal((await tunnel(`${String(own)}:${port}`, "127.0.0.2")).status, 403);
    assert.equal(refused.length, 0);
    assert.match(await registry.metrics(), /reason="unknown_caller"\} 1/);
  });

  it("cuts what changed rules no longer allow, and leaves the rest", async () => {
    const [byName, byAddress] = await Promise.all([
      tunnel(`a.allowed.example:${port}`),
      tunnel(`${String(own)}:${port}`),
    ]);
    const gone = once(byName.socket, "close");
    current = rules([`${String(own)}:*`]);
    proxy.recheck("uid", current);
    await gone;
    assert.equal(byAddress.socket.destroyed, false);
    assert.equal((await tunnel(`a.allowed.example:${port}`)).status, 403);
    const last = once(byAddress.socket, "close");
    proxy.recheck("uid", undefined);
    await last;
  });

  it("judges by the rules that hold when the connection is made, not when it was asked for", async () => {
    resolve = () => {
      current = rules([]);
      return [String(own)];
    };
    assert.equal((await tunnel(`a.allowed.example:${port}`)).status, 403);
  });

  it("lets a sandbox have so much open, and gives it back", async () => {
    const open = await Promise.all(Array.from({ length: 256 }, () => tunnel(`${String(own)}:${port}`)));
    assert.deepEqual(new Set(open.map(({ status }) => status)), new Set([200]));
    assert.equal((await tunnel(`${String(own)}:${port}`)).status, 429);
    for (const { socket } of open) socket.destroy();
    for (let tries = 0; ; tries++) {
      if ((await registry.metrics()).includes("sandlot_egress_open 0")) break;
      assert.equal(tries < 200, true, "connections stay open");
      await new Promise((done) => setTimeout(done, 20));
    }
    const again = await tunnel(`${String(own)}:${port}`);
    assert.equal(again.status, 200);
    again.socket.destroy();
  });
});
