// Attacks on the router: other tenants' sandboxes, addresses that are no sandbox, and requests that two parsers read differently.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

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

interface Answer {
  status: number;
  body: string;
  type: string | null;
}

describe("router: attacks", function () {
  this.timeout(120_000);
  let router: RunningRouter;
  let servers: Server[];
  /** What reached each server, as `name METHOD url`. */
  const seen: string[] = [];
  const suffix = "sandboxes.example.com";
  const ports: Record<string, number> = {};
  const alpha = sandbox({ id: "shared", podUid: "uid-alpha", tenant: "alpha" });
  const beta = sandbox({ id: "shared", podUid: "uid-beta", tenant: "beta" });
  const alphaToken = tokens.access(alpha);
  const betaToken = tokens.access(beta);

  before(async () => {
    router = await startRouter(suffix);
    servers = ["alpha", "beta", "inner"].map((name) =>
      createServer((request, response) => {
        seen.push(`${name} ${request.method ?? ""} ${request.url ?? ""}`);
        request.resume();
        response.end(name);
      }).listen(0, "127.0.0.1"),
    );
    await Promise.all(servers.map((server) => once(server, "listening")));
    for (const [index, name] of ["alpha", "beta", "inner"].entries())
      ports[name] = (servers[index]?.address() as AddressInfo).port;
    router.directory.put({ ...alpha, port: ports["alpha"] ?? 0 });
    router.directory.put({ ...beta, port: ports["beta"] ?? 0 });
  });
  beforeEach(() => {
    seen.length = 0;
  });
  after(async () => {
    for (const server of servers) server.close();
    await router.stop();
  });

  async function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(router.url + path, { headers, redirect: "manual" });
    return {
      status: response.status,
      body: await response.text(),
      type: response.headers.get("content-type"),
    };
  }

  it("gives each tenant its own sandbox of an id that both have", async () => {
    assert.equal((await get("/sandboxes/shared/x", { "x-api-key": apiKeys["alpha"] ?? "" })).body, "alpha");
    assert.equal((await get("/sandboxes/shared/x", { "x-api-key": apiKeys["beta"] ?? "" })).body, "beta");
    assert.equal((await get(`/sandboxes/shared/t/${alphaToken}/x`)).body, "alpha");
    assert.equal((await get("/sandboxes/shared/x", { authorization: `Bearer ${betaToken}` })).body, "beta");
  });

  it("says the same of a foreign sandbox, of a wrong token and of an id that nobody has", async () => {
    const own = router.directory.put(sandbox({ id: "private", tenant: "alpha", port: ports["alpha"] ?? 0 }));
    const good = tokens.access(own);
    const answers = await Promise.all([
      get("/sandboxes/private/x", { "x-api-key": apiKeys["beta"] ?? "" }),
      get("/sandboxes/nobody/x", { "x-api-key": apiKeys["beta"] ?? "" }),
      get("/sandboxes/private/x", { "x-sandbox-token": betaToken }),
      get("/sandboxes/nobody/x", { "x-sandbox-token": betaToken }),
      get(`/sandboxes/private/t/${alphaToken}/x`),
      get(`/sandboxes/nobody/t/${good}/x`),
      get(`/sandboxes/private/t/${good.slice(0, -1)}${good.endsWith("A") ? "B" : "A"}/x`),
      get(`/sandboxes/private/t/${good}A/x`),
      get(`/sandboxes/Private/t/${good}/x`),
    ]);
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.deepEqual([answers[0].status, answers[0].type], [404, "application/problem+json"]);
    assert.equal(seen.length, 0);
  });

  it("asks whoever shows nothing, or a key that is none, to show something", async () => {
    for (const id of ["shared", "nobody"])
      for (const headers of [
        {},
        { "x-api-key": "wrong" },
        { cookie: `token=${alphaToken}` },
        { authorization: "Basic eA==" },
      ] as Record<string, string>[])
        assert.equal((await get(`/sandboxes/${id}/x?token=${alphaToken}`, headers)).status, 401);
    assert.equal(seen.length, 0);
  });

  it("takes no token of an earlier pod of the same id, and none for the loser of two pods", async () => {
    const first = router.directory.put(sandbox({ id: "again", podUid: "uid-1", port: ports["alpha"] ?? 0 }));
    const second = router.directory.put(sandbox({ id: "again", podUid: "uid-2", port: ports["beta"] ?? 0 }));
    assert.equal((await get(`/sandboxes/again/t/${tokens.access(first)}/x`)).body, "alpha");
    assert.equal((await get(`/sandboxes/again/t/${tokens.access(second)}/x`)).status, 404);
    router.directory.remove(first);
    assert.equal((await get(`/sandboxes/again/t/${tokens.access(first)}/x`)).status, 404);
    assert.equal((await get(`/sandboxes/again/t/${tokens.access(second)}/x`)).body, "beta");
  });

  it("reaches only sandboxes that are not over", async () => {
    for (const [state, status] of [
      ["stopping", 410],
      ["failed", 410],
    ] as const) {
      const one = router.directory.put(sandbox({ id: state, state, port: ports["alpha"] ?? 0 }));
      assert.equal((await get(`/sandboxes/${state}/t/${tokens.access(one)}/x`)).status, status);
    }
    const none = router.directory.put(sandbox({ id: "no-address", podIP: undefined }));
    assert.equal((await get(`/sandboxes/no-address/t/${tokens.access(none)}/x`)).status, 503);
    assert.equal(seen.length, 0);
  });

  it("leads to no port of a sandbox that is not reached from here", async () => {
    const one = router.directory.put(
      sandbox({ id: "outside", hostIP: "192.0.2.1", port: ports["alpha"] ?? 0 }),
    );
    const token = tokens.access(one);
    assert.equal((await get(`/sandboxes/outside/t/${token}/x`)).body, "alpha");
    const before = seen.length;
    const answer = await get(`/sandboxes/outside/t/${token}/ports/${ports["beta"] ?? 0}/x`);
    assert.deepEqual([answer.status, seen.length], [501, before]);
    assert.match(answer.body, /outside the sandboxes' cluster/);
  });

  it("leads to a sandbox that is starting as soon as it answers, and says so until then", async () => {
    const state = "starting";
    const up = router.directory.put(sandbox({ id: "up", state, port: ports["alpha"] ?? 0 }));
    assert.equal((await get(`/sandboxes/up/t/${tokens.access(up)}/x`)).body, "alpha");
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const down = router.directory.put(sandbox({ id: "down", state, port }));
    const answer = await get(`/sandboxes/down/t/${tokens.access(down)}/x`);
    assert.equal(answer.status, 503);
    assert.match(answer.body, /is starting/);
  });

  it("waits a moment for what another replica has just made, and no longer", async () => {
    const late = sandbox({ id: "late", port: ports["alpha"] ?? 0 });
    const path = `/sandboxes/late/t/${tokens.access(late)}/x`;
    const [answer] = await Promise.all([
      get(path),
      sleep(50).then(() => {
        router.directory.put({ ...late, podIP: undefined });
        router.directory.put(late);
      }),
    ]);
    assert.equal(answer.body, "alpha");
    mock.timers.enable({ apis: ["setTimeout"] });
    const waits = mock.method(router.directory, "onChange");
    try {
      const text = `GET ${path.replace("late", "later")} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
      const refused = raw(router.port, text, 30_000);
      while (waits.mock.callCount() === 0) await new Promise(setImmediate);
      mock.timers.tick(250);
      assert.equal(statusOf(await refused), 404);
    } finally {
      waits.mock.restore();
      mock.timers.reset();
    }
  });

  it("waits as long for one that comes after another of its id, which is known by its tenant's key", async () => {
    const old = sandbox({ id: "anew", podUid: "uid-before", tenant: "alpha", state: "stopping" });
    router.directory.put(old);
    const next = sandbox({ id: "anew", podUid: "uid-after", tenant: "alpha", port: ports["alpha"] ?? 0 });
    const [answer] = await Promise.all([
      get("/sandboxes/anew/x", { "x-api-key": apiKeys["alpha"] ?? "" }),
      sleep(50).then(() => {
        router.directory.remove(old);
        router.directory.put(next);
      }),
    ]);
    assert.equal(answer.body, "alpha");
  });

  describe("requests that wait behind one that is not decided yet", () => {
    const junk = "GET /sandboxes/nobody/x HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: a\r\n\r\n";

    it("wait along with it, and not once more for themselves", async () => {
      const before = router.directory.listened;
      const answer = await raw(router.port, junk.repeat(20));
      assert.equal(answer.split("HTTP/1.1 404").length - 1, 20);
      assert.equal(router.directory.listened, before + 1);
    });

    it("go on with it", async () => {
      const soon = sandbox({ id: "soon", port: ports["alpha"] ?? 0 });
      const one = `GET /sandboxes/soon/t/${tokens.access(soon)}/x HTTP/1.1\r\nHost: h\r\n\r\n`;
      const [answer] = await Promise.all([
        raw(router.port, one.repeat(20)),
        sleep(50).then(() => router.directory.put(soon)),
      ]);
      assert.equal(answer.split("HTTP/1.1 200").length - 1, 20);
    });

    it("are few: a connection with more is cut, once, and nothing of it is looked at", async () => {
      const refused = async (): Promise<number> =>
        Number(/refused_total\{reason="pipelined"\} (\d+)/.exec(await router.registry.metrics())?.[1] ?? 0);
      const [refusedBefore, listenedBefore] = [await refused(), router.directory.listened];
      assert.equal(await raw(router.port, junk.repeat(500)), "");
      assert.equal(router.directory.listened, listenedBefore + 1);
      assert.equal(await refused(), refusedBefore + 1);
    });
  });

  it("connects to no address but the directory's, whatever a request says", async () => {
    const inner = `127.0.0.1:${ports["inner"] ?? 0}`;
    const line = (target: string, headers = ""): string =>
      `GET ${target} HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\nConnection: close\r\n${headers}\r\n`;
    for (const text of [
      line(`http://${inner}/sandboxes/shared/x`),
      line(`http://${inner}/x`),
      line(`//${inner}/sandboxes/shared/x`),
      line(`/sandboxes/shared@${inner}/x`),
      line(`/sandboxes/${inner}/x`),
      line(`/sandboxes/shared/ports/3000@${inner}/x`),
      line(`/sandboxes/shared/ports/${inner}/x`),
      line(`/%73andboxes/shared/x`),
      line(`/sandboxes/shared/../../api`),
      line("/sandboxes/shared/x").replace("Host: h", `Host: ${ports["inner"] ?? 0}-127.0.0.1.${suffix}`),
      line("/sandboxes/shared/x").replace("Host: h", `Host: h\r\nHost: ${inner}`),
      line("/sandboxes/shared/x").replace("Host: h\r\n", ""),
      `CONNECT ${inner} HTTP/1.1\r\nHost: ${inner}\r\nX-Sandbox-Token: ${alphaToken}\r\n\r\n`,
      line("/sandboxes/shared/x").replace("GET", "TRACE"),
      line("/sandboxes/shared/x").replace("GET", "PROPFIND"),
    ]) {
      const status = statusOf(await raw(router.port, text));
      assert.equal([0, 400, 404, 405].includes(status), true, `${String(status)} for ${text}`);
    }
    assert.equal(seen.length, 0);
    // These reach the caller's own sandbox and nothing else.
    for (const headers of [
      `X-Forwarded-Host: ${inner}\r\n`,
      `Forwarded: host=${inner}\r\n`,
      `X-Original-URL: http://${inner}/\r\n`,
      `X-HTTP-Method-Override: DELETE\r\n`,
    ])
      assert.equal(statusOf(await raw(router.port, line("/sandboxes/shared/x", headers))), 200);
    assert.equal(
      statusOf(await raw(router.port, line("/sandboxes/shared/x").replace("Host: h", `Host: ${inner}`))),
      200,
    );
    assert.equal(statusOf(await raw(router.port, line(`/sandboxes/shared//${inner}/x`))), 200);
    assert.deepEqual(
      new Set(seen.map((entry) => entry.split(" ").slice(0, 2).join(" "))),
      new Set(["alpha GET"]),
    );
  });

  it("refuses requests whose length two parsers could disagree on", async () => {
    const begin = `POST /sandboxes/shared/x HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\n`;
    const hidden = `GET /sandboxes/shared/smuggled HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\n\r\n`;
    for (const headers of [
      "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n",
      "Content-Length: 0\r\nContent-Length: 60\r\n",
      "Content-Length: 0, 60\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: -1\r\n",
      "Transfer-Encoding: chunked, identity\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: identity, xchunked\r\n",
      "Transfer-Encoding : chunked\r\n",
      " Transfer-Encoding: chunked\r\n",
      "X: a\nTransfer-Encoding: chunked\r\n",
      "X: a\rY: b\r\n",
      "X: a\u0000b\r\n",
      "Content Length: 3\r\n",
    ]) {
      const answer = await raw(router.port, `${begin}${headers}\r\n0\r\n\r\n${hidden}`);
      assert.equal(statusOf(answer), 400, JSON.stringify(headers));
    }
    assert.equal(
      seen.some((entry) => entry.includes("smuggled")),
      false,
    );
    for (const chunk of ["-1\r\n", "5 ;\n", "fffffffffffffffff\r\n", "1\nx\r\n0\r\n\r\n"]) {
      await raw(router.port, `${begin}Transfer-Encoding: chunked\r\n\r\n${chunk}${hidden}`);
      assert.equal(
        seen.some((entry) => entry.includes("smuggled")),
        false,
        chunk,
      );
    }
  });

  it("keeps what follows a refused request's body from being a request", async () => {
    const hidden = `GET /sandboxes/shared/smuggled HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\n\r\n`;
    const text = `POST /sandboxes/nobody/x HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\nContent-Length: 10\r\n\r\n0123456789${hidden}`;
    const answer = await raw(router.port, text);
    assert.equal(statusOf(answer), 404);
    assert.match(answer, /connection: close/i);
    assert.equal(seen.length, 0);
  });

  it("does not let a sandbox's answer become two", async () => {
    const bytes = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.end(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        );
      });
    }).listen(0, "127.0.0.1");
    await once(bytes, "listening");
    const { port } = bytes.address() as AddressInfo;
    const path = `/sandboxes/shared/t/${alphaToken}/ports/${port}/x`;
    const text = `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\nGET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
    const answer = await raw(router.port, text);
    assert.doesNotMatch(answer, /evil/);
    assert.equal(statusOf(answer), 502);
    bytes.close();
  });

  it("passes on whatever a sandbox calls or says in its headers, or says that it cannot", async () => {
    const answers = new Map<string, [header: string, status: number]>([
      ["/utf8", ["X-Name: caf\xc3\xa9 \xe2\x9c\x93.txt", 200]],
      ["/latin", ["X-Name: caf\xe9", 200]],
      ["/object", ["constructor: a\r\nconstructor: b", 502]],
      ["/prototype", ["__proto__: a\r\n__proto__: b", 502]],
    ]);
    const asked: string[] = [];
    const bytes = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        const [, path = ""] = data.toString("latin1").split(" ");
        asked.push(data.toString("latin1"));
        const [header = ""] = answers.get(path) ?? [];
        socket.end(`HTTP/1.1 200 OK\r\n${header}\r\nContent-Length: 0\r\n\r\n`, "latin1");
      });
    }).listen(0, "127.0.0.1");
    await once(bytes, "listening");
    const { port } = bytes.address() as AddressInfo;
    for (const [path, [header, status]] of answers) {
      const text = `GET /sandboxes/shared/t/${alphaToken}/ports/${port}${path} HTTP/1.1\r\nHost: h\r\nconstructor: x\r\n__proto__: y\r\nConnection: close\r\n\r\n`;
      const answer = await raw(router.port, text);
      assert.equal(statusOf(answer), status, path);
      if (path === "/utf8") assert.ok(answer.toLowerCase().includes(header.toLowerCase()), answer);
      assert.match(asked.at(-1) ?? "", /^constructor: x\r$/im);
    }
    bytes.close();
  });

  it("refuses headers that are too large, and too many of them", async () => {
    const begin = `GET /sandboxes/shared/x HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\n`;
    assert.equal(statusOf(await raw(router.port, `${begin}X-Large: ${"x".repeat(20_000)}\r\n\r\n`)), 431);
    assert.equal(statusOf(await raw(router.port, `${begin}${"A: b\r\n".repeat(5000)}\r\n`)), 431);
    assert.equal(seen.length, 0);
  });

  it("holds no sandbox's connection for a caller that sends its headers slowly", async () => {
    const socket = await open(router.port);
    socket.on("error", () => undefined);
    socket.write(`GET /sandboxes/shared/x HTTP/1.1\r\nHost: h\r\nX-Sandbox-Token: ${alphaToken}\r\nX-Slow: `);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(seen.length, 0);
    assert.equal((await get(`/sandboxes/shared/t/${alphaToken}/x`)).status, 200);
    socket.destroy();
  });

  it("gives a new pod with an old pod's address nothing of the old one", async () => {
    const port = ports["inner"] ?? 0;
    const old = router.directory.put(sandbox({ id: "old", podUid: "uid-old", tenant: "alpha", port }));
    assert.equal((await get(`/sandboxes/old/t/${tokens.access(old)}/x`)).status, 200);
    router.directory.remove(old);
    const fresh = router.directory.put(sandbox({ id: "fresh", podUid: "uid-fresh", tenant: "beta", port }));
    assert.equal((await get(`/sandboxes/old/t/${tokens.access(old)}/x`)).status, 404);
    assert.equal((await get(`/sandboxes/fresh/t/${tokens.access(old)}/x`)).status, 404);
    assert.equal((await get(`/sandboxes/fresh/t/${tokens.access(fresh)}/x`)).status, 200);
  });

  it("shows nothing of a request in its refusals or logs", async () => {
    await get(`/sandboxes/shared/t/${"s3cr3t".repeat(5)}/x`, { "x-api-key": "k3y-k3y" });
    await raw(
      router.port,
      `GET /sandboxes/shared/t/${"s3cr3t".repeat(5)}/%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );
    await until(() => router.logs.some((line) => line.includes("not routed")), "the refusals are logged");
    assert.equal(
      router.logs.some((line) => /s3cr3t|k3y/.test(line)),
      false,
    );
  });
});
