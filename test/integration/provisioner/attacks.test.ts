// Attacks on a provisioner with a real cluster: one tenant against another, and callers that do not keep to HTTP.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { writeKeysFile } from "../../unit/provisioner/keys-file.js";
import { Stage, type Answer } from "./stage.js";

interface Described {
  readonly id: string;
  readonly url: string;
  readonly token: string;
  readonly expiresAt: string;
}

const keys = { a: "a".repeat(40), b: "b".repeat(40) };
const key = (name: keyof typeof keys): Record<string, string> => ({ "x-api-key": keys[name] });

describe("attacks on the provisioner", function () {
  this.timeout(180_000);
  let stage: Stage;
  let folder: string;
  let call: Stage["call"];
  let port: number;
  let mine: Described;
  let theirs: Described;

  const as = <T>(who: keyof typeof keys, method: string, path: string, body?: object): Promise<Answer<T>> =>
    stage.call<T>(method, path, body, key(who));

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-attacks-"));
    stage = new Stage(`sandlot-attacks-${process.pid}`);
    await stage.set(2);
    await stage.start({ API_KEYS_FILE: writeKeysFile(folder, keys) });
    await stage.full(2);
    call = stage.call.bind(stage);
    port = Number(new URL(stage.url).port);
    const labels = { secret: "of-a" };
    mine = (await as<Described>("a", "POST", "/v1/sandboxes", { id: "one", labels })).body;
    theirs = (await as<Described>("b", "POST", "/v1/sandboxes", { id: "two" })).body;
    assert.ok(mine.token !== theirs.token);
  });

  after(async () => {
    await stage.strike();
    rmSync(folder, { recursive: true });
  });

  /** Sends bytes as they are; what comes back until the end, or until `ms` are over. */
  async function raw(text: string, ms = 3_000): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    await once(socket, "connect");
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(text);
    await Promise.race([closing(socket), sleep(ms)]);
    socket.destroy();
    return answer;
  }
  /** However it ends: a reset is an end too. */
  const closing = (socket: Socket): Promise<unknown> =>
    new Promise((resolve) => socket.once("close", resolve));
  const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
  const answers = (text: string): number => text.split(/HTTP\/1\.1 \d/).length - 1;

  it("a tenant learns nothing of another's sandbox by its id, and can do nothing to it", async () => {
    for (const [method, path, body] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/logs"],
      ["GET", "/events"],
      ["POST", "/extend", { seconds: 5 }],
      ["PATCH", "/network", { allow: ["*"] }],
    ] as const) {
      const [his, nobodys] = await Promise.all(
        ["one", "none"].map((id) => as<object>("b", method, `/v1/sandboxes/${id}${path}`, body)),
      );
      assert.deepEqual([his?.status, his?.body], [nobodys?.status, nobodys?.body], `${method} ${path}`);
      assert.equal(his?.status, 404);
    }
    assert.equal((await as("b", "GET", "/api/sandboxes/one")).status, 404);
    await as("b", "DELETE", "/api/sandboxes/one");
    const after = await as<Described>("a", "GET", "/v1/sandboxes/one");
    assert.deepEqual([after.status, after.body.expiresAt], [200, mine.expiresAt]);
  });

  it("the router lets nobody in by another's key or token, and tells no one that there is a sandbox", async () => {
    const through = (id: string, headers: Record<string, string>) =>
      call<string>("GET", `/sandboxes/${id}/v1/sandbox`, undefined, { "x-api-key": "", ...headers });
    for (const headers of [key("b"), { "x-sandbox-token": theirs.token }]) {
      const [his, nobodys] = await Promise.all([through("one", headers), through("none", headers)]);
      assert.deepEqual([his.status, his.body], [nobodys.status, nobodys.body]);
      assert.equal(his.status, 404);
    }
    assert.equal((await through("one", {})).status, 401);
    assert.equal((await through(`one/t/${theirs.token}`, {})).status, 404);
  });

  it("a tenant finds nothing by another's labels, and gets another sandbox by another's id", async () => {
    for (const query of ["", "?labels=secret", "?labels=secret%3Dof-a", "?after=a"]) {
      const { body } = await as<{ items: { id: string }[] }>("b", "GET", `/v1/sandboxes${query}`);
      assert.ok(
        body.items.every(({ id }) => id === "two"),
        query,
      );
    }
    const same = await as<Described>("b", "POST", "/v1/sandboxes", { id: "one" });
    assert.equal(same.status, 201);
    assert.ok(same.body.token !== mine.token && same.body.url !== mine.url);
    assert.equal((await as("b", "DELETE", "/v1/sandboxes/one")).status, 204);
    assert.equal((await as("a", "GET", "/v1/sandboxes/one")).status, 200);
  });

  it("a token opens its own sandbox and no other, and no guess opens any", async () => {
    const run = async (url: string, headers: Record<string, string>): Promise<number> => {
      const init = {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: '{"command":"true"}',
      };
      return (await fetch(`${url}/v1/bash/exec`, init)).status;
    };
    assert.equal(await run(mine.url, { "x-sandbox-token": mine.token }), 200);
    for (const headers of [
      {},
      { "x-sandbox-token": theirs.token },
      { authorization: `Bearer ${theirs.token}` },
      { "x-sandbox-token": mine.token.slice(1) },
      key("b"),
    ])
      assert.equal(await run(mine.url, headers), 401);
    const claim = {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${mine.token}` },
      body: "{}",
    };
    assert.equal((await fetch(`${mine.url}/v1/claim`, claim)).status, 401);
  });

  it("no path leads out of a sandbox or to another", async () => {
    for (const path of [
      "/sandboxes/two/../one/v1/sandbox",
      "/sandboxes/two/%2e%2e/one/v1/sandbox",
      "/sandboxes/two/..;/one/v1/sandbox",
      "/sandboxes/two%2f..%2fone/v1/sandbox",
      "/sandboxes/two/..%5cone/v1/sandbox",
      "/sandboxes/two/ports/22/",
      "/sandboxes/two/ports/8080@169.254.169.254/",
      "/sandboxes/169.254.169.254/latest/meta-data",
      "/v1/sandboxes/../../api/sandboxes/one",
      "/v1/sandboxes/one%00",
      `http://${new URL(mine.url).host}/v1/sandbox`,
    ]) {
      const answer = await raw(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.b}\r\nConnection: close\r\n\r\n`,
      );
      assert.ok([400, 404, 422].includes(statusOf(answer)), `${path}: ${answer.slice(0, 80)}`);
      assert.ok(!answer.includes(mine.token));
    }
  });

  it("from outside the cluster nothing that has a sandbox's address there gets what is the sandbox's", async () => {
    const through = (path: string, body?: object): Promise<Answer<{ data?: { stdout: string } }>> =>
      as("a", body === undefined ? "GET" : "POST", `/sandboxes/one${path}`, body);
    const own = await through("/v1/bash/exec", { command: "echo $HOSTNAME" });
    const [pod] = (await stage.pods()).filter(
      ({ metadata }) =>
        metadata?.labels?.["sandlot.dev/sandbox-id"] === "one" &&
        metadata.labels["sandlot.dev/tenant"] === "a",
    );
    assert.deepEqual([own.status, own.body.data?.stdout.trim()], [200, pod?.metadata?.name]);
    assert.equal((await through("/ports/3000/")).status, 501);
  });

  it("bodies and headers that are too large are refused, and the rest is served meanwhile", async () => {
    const large = await as("a", "POST", "/v1/sandboxes", { labels: { x: "y".repeat(2 << 20) } });
    assert.equal(large.status, 413);
    const headers = `X-Large: ${"z".repeat(100_000)}`;
    assert.equal(statusOf(await raw(`GET /health HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`)), 431);
    const declared = `POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.a}\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{`;
    assert.equal(statusOf(await raw(declared)), 413);
    assert.equal((await call("GET", "/health")).status, 200);
  });

  it("slow clients are cut off and hold up nobody", async () => {
    const sockets: Socket[] = [];
    const closed: Promise<unknown>[] = [];
    let cut = 0;
    const open = async (head: string): Promise<void> => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      closed.push(closing(socket));
      sockets.push(socket.resume());
      await once(socket, "connect");
      socket.write(head);
    };
    for (let at = 0; at < 100; at += 1) await open("GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    for (const one of closed) void one.then(() => (cut += 1));
    const post = `POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.a}\r\n`;
    for (let at = 0; at < 20; at += 1)
      await open(`${post}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`);
    // Who shows no key, and asks for what is not there, waits no longer than others.
    for (let at = 0; at < 20; at += 1)
      await open(
        "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
      );
    const drip = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(" ");
    }, 1_000);
    try {
      for (let at = 0; at < 5; at += 1) {
        assert.equal((await as("a", "GET", "/v1/sandboxes/one")).status, 200);
        await sleep(200);
      }
      // The first go after 15 s: whoever waits for one of them sees it gone.
      assert.equal(cut, 0, "nobody waits for a slow client");
      // Headers have 15 s, and are looked at every 5 s; bodies have 30 s.
      const all = await Promise.race([Promise.all(closed).then(() => "closed"), sleep(45_000)]);
      assert.equal(all, "closed");
    } finally {
      clearInterval(drip);
      for (const socket of sockets) socket.destroy();
    }
  });

  it("nobody ends the provisioner by going in the middle of a request", async () => {
    for (const path of ["/sandboxes/two/ports/1025/", "/sandboxes/two/v1/file/write"])
      for (let at = 0; at < 20; at += 1) {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        await once(socket, "connect");
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.b}\r\nContent-Length: 100\r\n\r\nsome`,
          () => setTimeout(() => socket.destroy(), at),
        );
        await closing(socket);
      }
    assert.equal((await call("GET", "/health")).status, 200);
    assert.equal((await as("b", "GET", "/v1/sandboxes/two")).status, 200);
  });

  it("no request hides in another", async () => {
    const hidden = `GET /v1/sandboxes HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.a}\r\n\r\n`;
    const head = `POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nX-API-Key: ${keys.b}\r\nContent-Type: application/json\r\n`;
    for (const framing of [
      `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`,
      `Content-Length: 0\r\nContent-Length: 5\r\n\r\n`,
      `Transfer-Encoding: xchunked\r\n\r\n`,
      `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
      `Content-Length: +0\r\n\r\n`,
    ]) {
      const answer = await raw(head + framing + hidden, 2_000);
      assert.equal(statusOf(answer), 400, framing);
      assert.equal(answers(answer), 1, framing);
    }
  });

  it("a forged Host changes nothing that anybody is told", async () => {
    for (const forged of [
      "Host: evil.example",
      "Host: x\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example",
      "Host: 8080-one.evil.example",
    ]) {
      const answer = await raw(
        `GET /v1/sandboxes/one HTTP/1.1\r\n${forged}\r\nX-API-Key: ${keys.a}\r\nConnection: close\r\n\r\n`,
      );
      assert.equal(statusOf(answer), 200);
      assert.ok(answer.includes(mine.url) && !answer.includes("evil"));
    }
    const twice = await raw(`GET /sandboxes/one/v1/sandbox HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n`);
    assert.equal(statusOf(twice), 400);
  });

  it("code in a sandbox reaches neither another tenant's sandbox nor the way to it", async () => {
    const pods = await stage.pods();
    const victim = pods.find(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] === "one");
    const targets = [`http://${victim?.status?.podIP ?? ""}:8080/v1/sandbox`, `${mine.url}/v1/sandbox`];
    for (const target of targets) {
      const answer = await fetch(`${theirs.url}/v1/bash/exec`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sandbox-token": theirs.token },
        body: JSON.stringify({ command: `curl -s -m 3 -o /dev/null -w '%{http_code}' ${target}` }),
      });
      const { data } = (await answer.json()) as { data: { stdout: string } };
      assert.equal(data.stdout, "000", target);
    }
  });
});
