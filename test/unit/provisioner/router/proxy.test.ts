// HTTP and WebSocket through a running router to servers that stand for sandboxes: streaming, pace, cuts, activity.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { mock } from "node:test";

import { WebSocket } from "undici";

import {
  apiKeys,
  open,
  raw,
  type RunningRouter,
  sandbox,
  startRouter,
  statusOf,
  tokens,
  until,
} from "./support.js";

/** Waits until a router takes no more connections. Without timers, which the test may have in its hands. */
async function stopping({ app }: RunningRouter): Promise<void> {
  while (app.server.listening) await new Promise(setImmediate);
}

describe("router: proxy", function () {
  this.timeout(120_000);
  let router: RunningRouter;
  let server: Server;
  let answer: RequestListener;
  let port: number;
  let url: string;
  const one = sandbox({ id: "one" });
  const token = tokens.access(one);

  before(async () => {
    router = await startRouter("sandboxes.example.com");
    server = createServer((request, response) => {
      answer(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
    router.directory.put({ ...one, port });
    url = `${router.url}/sandboxes/one/t/${token}`;
  });
  beforeEach(() => {
    router.touched.length = 0;
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await router.stop();
  });

  const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };

  it("passes method, path, query, body and status as they are, with the sandbox's own token", async () => {
    let seen: { method?: string; url?: string; body?: string; token?: unknown; type?: unknown } = {};
    answer = (request, response) => {
      void bodyOf(request).then((body) => {
        const { method, headers } = request;
        seen = {
          method,
          url: request.url,
          body: body.toString(),
          token: headers["x-sandbox-token"],
          type: headers["content-type"],
        };
        response.writeHead(418, "Odd", { "x-own": "1" }).end("pot");
      });
    };
    for (const [method, type] of [
      ["POST", "application/json"],
      ["PUT", "application/x-thing; a=b"],
      ["PATCH", "text/plain"],
      ["DELETE", "not a type"],
    ] as const) {
      const response = await fetch(`${url}/v1/x?a=%20b&c=/../`, {
        method,
        body: "{nope",
        headers: { "content-type": type },
      });
      assert.deepEqual(
        [response.status, response.headers.get("x-own"), await response.text()],
        [418, "1", "pot"],
      );
      assert.deepEqual(seen, { method, url: "/v1/x?a=%20b&c=/../", body: "{nope", token, type });
    }
    const head = await fetch(`${url}/x`, { method: "HEAD" });
    assert.deepEqual([head.status, seen.method, await head.text()], [418, "HEAD", ""]);
    const byKey = await fetch(`${router.url}/sandboxes/one/x`, {
      headers: { "x-api-key": apiKeys["alpha"] ?? "" },
    });
    assert.deepEqual([byKey.status, seen.token], [418, token]);
  });

  it("routes by host, and a sandbox's host has no API of ours", async () => {
    answer = (request, response) =>
      response.end(`sandbox ${request.url ?? ""} ${String(request.headers["x-forwarded-host"])}`);
    const text = `GET /api/sandboxes HTTP/1.1\r\nHost: ${port}-one.sandboxes.example.com\r\nX-Sandbox-Token: ${token}\r\nConnection: close\r\n\r\n`;
    assert.match(await raw(router.port, text), /sandbox \/api\/sandboxes \d+-one\.sandboxes\.example\.com/);
    const other = `GET /api/sandboxes HTTP/1.1\r\nHost: ${port}-two.sandboxes.example.com\r\nX-Sandbox-Token: ${token}\r\nConnection: close\r\n\r\n`;
    assert.equal(statusOf(await raw(router.port, other)), 404);
    assert.deepEqual(await (await fetch(`${router.url}/api/sandboxes`)).json(), { api: true });
  });

  it("streams an answer event by event", async () => {
    let next: (() => void) | undefined;
    answer = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      next = () => response.write("data: one\n\n");
    };
    const response = await fetch(`${url}/events`);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body?.getReader();
    for (let i = 0; i < 3; i++) {
      next?.();
      const part = await reader?.read();
      assert.equal(new TextDecoder().decode(part?.value as Uint8Array | undefined), "data: one\n\n");
    }
    await reader?.cancel();
  });

  it("streams a request's body as it comes, and an answer may begin before its end", async () => {
    const got: string[] = [];
    answer = (request, response) => {
      response.writeHead(200).flushHeaders();
      request.on("data", (chunk: Buffer) => {
        got.push(chunk.toString());
        response.write(`got ${chunk.toString()};`);
      });
      request.on("end", () => response.end("end"));
    };
    const outgoing = httpRequest(`${url}/upload`, { method: "POST" });
    outgoing.write("a");
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    await until(() => got.length === 1, "the first part has arrived");
    outgoing.write("b");
    await until(() => got.length === 2, "the second part has arrived");
    outgoing.end();
    assert.equal((await bodyOf(incoming)).toString(), "got a;got b;end");
  });

  it("carries large bodies whole, both ways at once", async () => {
    answer = (request, response) => {
      request.pipe(response);
    };
    const body = randomBytes(32 << 20);
    const response = await fetch(`${url}/echo`, { method: "POST", body });
    const back = Buffer.from(await response.arrayBuffer());
    assert.equal(
      createHash("sha256").update(back).digest("hex"),
      createHash("sha256").update(body).digest("hex"),
    );
  });

  it("ends what a key opened when that is taken away, and tells whoever has no answer yet why", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    const other = await startRouter();
    const { alpha = "" } = apiKeys;
    const asked: string[] = [];
    answer = (request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/begun") response.writeHead(200).write("a");
    };
    try {
      other.directory.put({ ...one, port });
      const key = { "x-api-key": alpha };
      const begun = await fetch(`${other.url}/sandboxes/one/begun`, { headers: key });
      const waiting = fetch(`${other.url}/sandboxes/one/waits`, { headers: key });
      const byToken = await fetch(`${other.url}/sandboxes/one/t/${token}/begun`);
      await until(() => asked.includes("/waits"), "the sandbox was asked");
      mock.timers.tick(15_000);
      delete apiKeys["alpha"];
      mock.timers.tick(15_000);
      const refused = await waiting;
      assert.equal(refused.status, 401);
      assert.match(await refused.text(), /API key/);
      await assert.rejects(begun.text());
      const reader = byToken.body?.getReader();
      assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), "a");
      await reader?.cancel();
    } finally {
      apiKeys["alpha"] = alpha;
      mock.timers.reset();
      await other.stop();
    }
  });

  it("keeps the pace of a slow caller instead of filling its memory", async () => {
    let written = 0;
    answer = (_, response) => {
      const chunk = Buffer.alloc(64 << 10);
      const more = (): void => {
        while (written < 512 << 20 && response.write(chunk)) written += chunk.length;
        response.once("drain", more);
      };
      more();
    };
    const socket = await open(router.port);
    socket.write(`GET /sandboxes/one/t/${token}/flood HTTP/1.1\r\nHost: h\r\n\r\n`);
    await once(socket, "readable");
    let before = -1;
    await until(async () => {
      if (before === written) return true;
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return false;
    }, "the sandbox has to wait");
    assert.equal(written < 64 << 20, true, `${written} bytes were taken`);
    socket.destroy();
  });

  it("breaks off the sandbox's side when the caller goes, and the caller's when the sandbox breaks off", async () => {
    let closed = false;
    answer = (_, response) => {
      response.once("close", () => (closed = true));
    };
    const abort = new AbortController();
    const waiting = fetch(`${url}/slow`, { signal: abort.signal });
    await until(() => router.touched.length > 0, "the request is on its way");
    await new Promise((resolve) => setTimeout(resolve, 50));
    abort.abort();
    await assert.rejects(waiting);
    await until(() => closed, "the sandbox's side is broken off");
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("part");
      setTimeout(() => response.destroy(), 20);
    };
    const response = await fetch(`${url}/broken`);
    await assert.rejects(response.text());
    answer = (request) => request.socket.destroy();
    assert.equal((await fetch(`${url}/broken`, { method: "POST", body: "x".repeat(100_000) })).status, 502);
  });

  it("lets a sandbox answer before a body has ended", async () => {
    answer = (request, response) => {
      response.writeHead(413).end("too large");
      request.resume();
    };
    const outgoing = httpRequest(`${url}/upload`, { method: "POST" }).on("error", () => undefined);
    outgoing.write("x".repeat(1000));
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    assert.deepEqual([incoming.statusCode, (await bodyOf(incoming)).toString()], [413, "too large"]);
    outgoing.destroy();
  });

  it("survives a caller that goes without the rest of its body, whoever had answered it", async () => {
    const hasty = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    }).listen(0, "127.0.0.1");
    await once(hasty, "listening");
    const { port } = hasty.address() as AddressInfo;
    const one = router.directory.put(sandbox({ id: "hasty", port }));
    // On the last port nothing listens: the router answers for it.
    for (const [path, status] of [
      ["/x", 200],
      [`/ports/${port}/x`, 200],
      ["/ports/1025/x", 502],
      // It does not wait for the answer.
      ["/ports/1025/x", undefined],
      ["/x", undefined],
    ] as const) {
      const socket = await open(router.port);
      socket.on("error", () => undefined);
      socket.write(
        `POST /sandboxes/hasty/t/${tokens.access(one)}${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nsome`,
      );
      if (status !== undefined) {
        const [answer] = (await once(socket, "data")) as [Buffer];
        assert.equal(statusOf(answer.toString()), status);
      }
      socket.destroy();
      // An exception that nobody catches would fail this test.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    hasty.close();
  });

  it("keeps nothing open for a caller that has gone, also of requests whose answers waited behind another", async () => {
    const silent = createTcpServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const one = router.directory.put(sandbox({ id: "silent", port: (silent.address() as AddressInfo).port }));
    const gauge = async (): Promise<number> =>
      Number(/^sandlot_router_open\{kind="api"\} (\d+)/m.exec(await router.registry.metrics())?.[1]);
    const before = await gauge();
    const socket = await open(router.port);
    socket.write(`GET /sandboxes/silent/t/${tokens.access(one)}/x HTTP/1.1\r\nHost: h\r\n\r\n`.repeat(20));
    while ((await gauge()) < before + 2) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.destroy();
    const end = performance.now() + 3_000;
    while ((await gauge()) > before && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.equal(await gauge(), before);
    silent.close();
  });

  it("does not follow redirects", async () => {
    let calls = 0;
    answer = (_, response) => {
      calls += 1;
      response.writeHead(302, { location: `http://127.0.0.1:${router.port}/api/sandboxes` }).end();
    };
    const response = await fetch(`${url}/away`, { redirect: "manual" });
    assert.deepEqual(
      [response.status, response.headers.get("location"), calls],
      [302, `http://127.0.0.1:${router.port}/api/sandboxes`, 1],
    );
  });

  it("reaches users' servers on their ports, without the sandbox's token", async () => {
    const seen: unknown[] = [];
    const user = createServer((request, response) => {
      seen.push(
        request.headers["x-sandbox-token"],
        request.headers["x-api-key"],
        request.headers["authorization"],
        request.headers.host,
      );
      response.end("user");
    });
    user.listen(0, "127.0.0.1");
    await once(user, "listening");
    const own = (user.address() as AddressInfo).port;
    const response = await fetch(`${url}/ports/${own}/`, { headers: { "x-api-key": apiKeys["beta"] ?? "" } });
    assert.equal(await response.text(), "user");
    assert.deepEqual(seen, [undefined, undefined, undefined, `localhost:${own}`]);
    user.close();
    const refused = await fetch(`${url}/ports/${own}/`);
    assert.equal(refused.status, 502);
    assert.match(((await refused.json()) as { detail: string }).detail, /listens on port/);
  });

  it("counts use at the beginning, with every part and at the end, but not a refusal", async () => {
    answer = (_, response) => {
      response.write("a");
      setTimeout(() => response.end("b"), 50);
    };
    await (await fetch(`${url}/x`)).text();
    assert.equal(router.touched.length >= 4, true);
    await until(() => router.touched.length >= 5, "the end is counted");
    router.touched.length = 0;
    await fetch(`${router.url}/sandboxes/one/x`);
    await fetch(`${router.url}/sandboxes/one/x`, { headers: { "x-sandbox-token": "x".repeat(43) } });
    await fetch(`${url}/../x`);
    assert.deepEqual(router.touched, []);
  });

  describe("WebSocket", () => {
    const upgrade = (path: string, headers = ""): string =>
      `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Key: a2V5a2V5a2V5a2V5a2V5aw==\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`;
    let seen: IncomingMessage | undefined;

    before(() => {
      server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
        seen = request;
        socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nSet-Cookie: a=1\r\n\r\nhello",
        );
        socket.write(head);
        socket.pipe(socket);
        socket.on("error", () => undefined);
      });
    });

    it("makes the handshake anew and passes bytes both ways", async () => {
      const socket = await open(router.port);
      let got = "";
      socket.on("data", (chunk) => (got += chunk.toString("latin1")));
      socket.write(
        `${upgrade(`/sandboxes/one/t/${token}/ws?x=1`, "X-API-Key: k\r\nX-Forwarded-For: 1.1.1.1\r\n")}early`,
      );
      await until(() => got.includes("helloearly"), "what came early is through");
      assert.match(got, /^HTTP\/1\.1 101 /);
      assert.doesNotMatch(got, /set-cookie/i);
      const headers = seen?.headers ?? {};
      assert.deepEqual(
        [
          seen?.url,
          headers["x-api-key"],
          headers["x-forwarded-for"],
          headers["x-sandbox-token"],
          headers["sec-websocket-key"],
        ],
        ["/ws?x=1", undefined, "127.0.0.1", token, "a2V5a2V5a2V5a2V5a2V5aw=="],
      );
      const touches = router.touched.length;
      socket.write("again");
      await until(() => got.endsWith("again"), "more is through");
      assert.equal(router.touched.length > touches, true);
      const closed = once(socket, "close");
      socket.end();
      await closed;
    });

    it("is understood by a WebSocket client, to its closing", async () => {
      const frame = (code: number, text: string): Buffer =>
        Buffer.concat([Buffer.from([0x80 | code, text.length]), Buffer.from(text)]);
      const sockets = createServer().on("upgrade", (request: IncomingMessage, socket: Socket) => {
        const key = `${request.headers["sec-websocket-key"] ?? ""}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
        const accept = createHash("sha1").update(key).digest("base64");
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        socket.write(frame(1, "hello"));
        // The first that the client sends is that it closes.
        socket.once("data", () => socket.end(frame(8, "")));
      });
      sockets.listen(0, "127.0.0.1");
      await once(sockets, "listening");
      const own = (sockets.address() as AddressInfo).port;
      const client = new WebSocket(`${url.replace("http", "ws")}/ports/${own}/`);
      const closed = new Promise<boolean>((resolve) => {
        client.addEventListener("close", ({ wasClean }) => {
          resolve(wasClean);
        });
      });
      const message = await new Promise<unknown>((resolve) => {
        client.addEventListener("message", ({ data }) => {
          resolve(data);
        });
      });
      assert.equal(message, "hello");
      client.close();
      assert.equal(await closed, true);
      sockets.close();
    });

    it("is refused like any other request, and other upgrades as well", async () => {
      const cases: [string, number][] = [
        [upgrade("/sandboxes/one/ws"), 401],
        [upgrade(`/sandboxes/one/t/${"x".repeat(43)}/ws`), 404],
        [upgrade(`/sandboxes/one/t/${token}/../ws`), 400],
        [upgrade(`/sandboxes/one/t/${token}/ports/1/ws`), 400],
        [upgrade(`http://127.0.0.1:1/sandboxes/one/t/${token}/ws`), 404],
        [upgrade("/api/sandboxes"), 404],
        [upgrade(`/sandboxes/one/t/${token}/ws`, "Content-Length: 3\r\n"), 400],
        [upgrade(`/sandboxes/one/t/${token}/ws`).replace("websocket", "h2c"), 501],
        [upgrade(`/sandboxes/one/t/${token}/ws`).replace("GET", "POST"), 501],
      ];
      for (const [text, status] of cases) assert.equal(statusOf(await raw(router.port, text)), status, text);
    });

    it("passes on the answer of a sandbox that does not want it", async () => {
      const listeners = server.listeners("upgrade") as ((...args: unknown[]) => void)[];
      server.removeAllListeners("upgrade");
      answer = (_, response) => response.writeHead(403).end("no");
      const text = await raw(router.port, upgrade(`/sandboxes/one/t/${token}/ws`));
      assert.equal(statusOf(text), 403);
      assert.match(text, /no/);
      for (const listener of listeners) server.on("upgrade", listener);
    });

    it("ends when the key that opened it is taken away, and not when a token did", async () => {
      mock.timers.enable({ apis: ["setInterval"] });
      const other = await startRouter();
      const { alpha = "" } = apiKeys;
      try {
        other.directory.put({ ...one, port });
        const opened = async (path: string, headers = ""): Promise<Socket> => {
          const socket = await open(other.port);
          socket.write(upgrade(path, headers));
          await once(socket, "data");
          return socket;
        };
        const byKey = await opened("/sandboxes/one/ws", `X-API-Key: ${alpha}\r\n`);
        const byToken = await opened(`/sandboxes/one/t/${token}/ws`);
        mock.timers.tick(15_000);
        byKey.write("a");
        await once(byKey, "data");
        const closed = once(byKey, "close");
        delete apiKeys["alpha"];
        mock.timers.tick(15_000);
        await closed;
        byToken.write("a");
        await once(byToken, "data");
        byToken.destroy();
      } finally {
        apiKeys["alpha"] = alpha;
        mock.timers.reset();
        await other.stop();
      }
    });

    it("ends with the sandbox", async () => {
      const two = router.directory.put(sandbox({ id: "two", port }));
      const socket = await open(router.port);
      socket.write(upgrade(`/sandboxes/two/t/${tokens.access(two)}/ws`));
      await once(socket, "data");
      const closed = once(socket, "close");
      router.directory.remove(two);
      await closed;
    });

    it("lets what is under way go on while it stops, for its time and no longer, and keeps no connection that was answered", async () => {
      const drainMs = 3_000;
      const own = await startRouter(undefined, drainMs);
      const six = own.directory.put(sandbox({ id: "six", port }));
      const path = `/sandboxes/six/t/${tokens.access(six)}`;
      const socket = await open(own.port);
      socket.on("error", () => undefined);
      socket.write(upgrade(`${path}/ws`));
      await once(socket, "data");
      // One whose answer is to come while the router stops.
      const late: ServerResponse[] = [];
      answer = (_, response) => void late.push(response);
      const kept = await open(own.port);
      kept.write(`GET ${path}/v1/sandbox HTTP/1.1\r\nHost: h\r\n\r\n`);
      await until(() => late.length > 0, "it is on its way");
      const answered = once(kept, "data");
      const [closed, keptClosed] = [once(socket, "close"), once(kept, "close")];
      mock.timers.enable({ apis: ["setTimeout"] });
      try {
        const stopped = own.stop();
        await stopping(own);
        for (const response of late) response.end("late");
        assert.match(String((await answered)[0]), /^HTTP\/1\.1 200 /);
        // A connection that was answered is not waited for: no time has passed.
        await keptClosed;
        mock.timers.tick(drainMs - 1);
        socket.write("a");
        await once(socket, "data");
        mock.timers.tick(1);
        await Promise.all([closed, stopped]);
      } finally {
        mock.timers.reset();
      }
    });

    it("stops as soon as the last tunnel has ended, however long it might have gone on", async () => {
      const drainMs = 60_000;
      const own = await startRouter(undefined, drainMs);
      const seven = own.directory.put(sandbox({ id: "seven", port }));
      const socket = await open(own.port);
      socket.on("error", () => undefined);
      socket.write(upgrade(`/sandboxes/seven/t/${tokens.access(seven)}/ws`));
      await once(socket, "data");
      mock.timers.enable({ apis: ["setTimeout"] });
      try {
        const stopped = own.stop();
        await stopping(own);
        mock.timers.tick(drainMs - 1);
        socket.write("a");
        await once(socket, "data");
        socket.destroy();
        await stopped;
      } finally {
        mock.timers.reset();
      }
    });
  });

  it("ends what is open to a sandbox that goes, and nothing of another", async () => {
    answer = (_, response) => {
      response.writeHead(200).flushHeaders();
    };
    const three = router.directory.put(sandbox({ id: "three", port }));
    const going = await fetch(`${router.url}/sandboxes/three/t/${tokens.access(three)}/stream`);
    const staying = await fetch(`${url}/stream`);
    const silent = { ...three, id: "silent", podUid: "uid-silent" };
    answer = () => undefined;
    router.directory.put(silent);
    const waiting = fetch(`${router.url}/sandboxes/silent/t/${tokens.access(silent)}/wait`);
    await until(() => router.touched.includes("silent"), "it waits");
    await new Promise((resolve) => setTimeout(resolve, 50));
    router.directory.remove(three);
    router.directory.remove(silent);
    await assert.rejects(going.text());
    assert.equal((await waiting).status, 502);
    const reader = staying.body?.getReader();
    const read = reader?.read();
    const first = await Promise.race([read, new Promise((resolve) => setTimeout(resolve, 200, "open"))]);
    assert.equal(first, "open");
    await reader?.cancel().catch(() => undefined);
  });

  it("lets one sandbox have so much open at once, and another is not held up by it", async () => {
    answer = (request, response) => {
      if (request.url === "/quick") response.end();
    };
    const four = router.directory.put(sandbox({ id: "four", port }));
    const path = `/sandboxes/four/t/${tokens.access(four)}`;
    const waiting = Array.from({ length: 256 }, () => {
      const outgoing = httpRequest(`${router.url}${path}/wait`, { agent: false });
      outgoing.on("error", () => undefined).end();
      return outgoing;
    });
    await until(() => router.touched.filter((id) => id === "four").length >= 256, "all are open");
    const more = await fetch(`${router.url}${path}/quick`);
    assert.deepEqual([more.status, more.headers.get("retry-after")], [429, "1"]);
    assert.equal((await fetch(`${url}/quick`)).status, 200);
    for (const outgoing of waiting) outgoing.destroy();
    await until(
      async () => (await fetch(`${router.url}${path}/quick`)).status === 200,
      "there is room again",
    );
  });

  it("counts and logs without tokens, and what is open goes back to nothing", async () => {
    answer = (_, response) => response.end();
    await fetch(`${url}/x`);
    await until(async () => {
      const open = (await router.registry.getMetricsAsJSON()).find(
        ({ name }) => name === "sandlot_router_open",
      );
      return open !== undefined && open.values.every(({ value }) => value === 0);
    }, "nothing is open");
    const text = await router.registry.metrics();
    assert.match(text, /sandlot_router_requests_total\{kind="api",code="2xx"\} \d+/);
    assert.match(text, /sandlot_router_refused_total\{reason="crowded"\} \d+/);
    assert.equal(
      router.logs.some((line) => line.includes(token) || line.includes(apiKeys["alpha"] ?? "")),
      false,
    );
    assert.equal(
      router.logs.some((line) => line.includes('"sandbox":"one"')),
      true,
    );
  });

  it("stops in good time while a connection is open", async () => {
    const own = await startRouter();
    const five = own.directory.put(sandbox({ id: "five", port }));
    const socket = await open(own.port);
    socket.on("error", () => undefined);
    socket.write(
      `GET /sandboxes/five/t/${tokens.access(five)}/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    await once(socket, "data");
    const closed = once(socket, "close");
    const started = Date.now();
    await own.stop();
    await closed;
    assert.equal(Date.now() - started < 3000, true);
  });
});
