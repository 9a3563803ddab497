// Event streams: that they end with what they stand on, the sandbox and the reader's key, whenever that goes.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import Fastify from "fastify";

import type { SandboxListener } from "../../../provisioner/src/core/directory.js";
import { mostEvents, sendEvents, type EventSource } from "../../../provisioner/src/http/events.js";
import { OpenStreams } from "../../../provisioner/src/http/open-streams.js";
import type { Sandbox } from "../../../provisioner/src/model/sandbox.js";
import { eventually, house } from "./house.js";

describe("a stream of events", () => {
  const sandbox = { id: "a", tenant: "t", podUid: "u", state: "starting" } as Sandbox;

  afterEach(() => {
    mock.timers.reset();
  });

  /** A stream of what a directory says when it is listened to. */
  function streamOf(there: readonly Sandbox[]) {
    const streams = new OpenStreams(mostEvents);
    const state = { allowed: true, listeners: new Set<SandboxListener>() };
    const source = {
      directory: {
        withId: () => there,
        onChange: (listener: SandboxListener) => {
          state.listeners.add(listener);
          return () => state.listeners.delete(listener);
        },
      },
      refusals: { onRefusal: () => () => undefined },
      allowed: () => state.allowed,
    } as unknown as EventSource;
    const app = Fastify();
    app.get("/", (request, reply) => {
      sendEvents(streams, source, sandbox, ({ state: of }) => ({ state: of }), request, reply);
      return reply;
    });
    return { streams, state, answer: app.inject("/").then(({ body }) => body) };
  }

  it("says at once that a sandbox has gone that did before anybody listened, and takes no place", async () => {
    const { streams, state, answer } = streamOf([]);
    assert.equal(await answer, 'event: gone\ndata: {"id":"a"}\n\n');
    assert.equal(state.listeners.size, 0);
    for (let i = 0; i < mostEvents.ofTenant; i += 1)
      assert.notEqual(
        streams.open("t", () => undefined),
        undefined,
      );
  });

  it("begins with how the sandbox is, and not with how it was when it was looked up", async () => {
    const { streams, state, answer } = streamOf([{ ...sandbox, state: "running" }]);
    await eventually("it listens", () => state.listeners.size === 1);
    streams.endAll();
    assert.match(await answer, /^event: state\ndata: {"state":"running"}\n\n/);
  });

  it("ends when its key is taken away, within a heartbeat, and tells nothing more before that", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    const { state, answer } = streamOf([sandbox]);
    await eventually("it listens", () => state.listeners.size === 1);
    mock.timers.tick(15_000);
    state.allowed = false;
    mock.timers.tick(15_000);
    assert.equal(await answer, 'event: state\ndata: {"state":"starting"}\n\n: still here\n\n');
    assert.equal(state.listeners.size, 0);
  });

  it("ends when the file of keys has its key no more, before it tells another token", async () => {
    const home = await house();
    const folder = mkdtempSync(join(tmpdir(), "sandlot-events-"));
    const key = "0123456789abcdef-acme";
    const write = (...keys: string[]): void => {
      const hashes = keys.map((one, index) => ({
        name: `k-${index}`,
        sha256: createHash("sha256").update(one).digest("hex"),
      }));
      const text = JSON.stringify({ version: 1, tenants: { acme: { keys: hashes } } });
      writeFileSync(join(folder, "keys.json"), text);
    };
    try {
      write(key);
      const replica = await home.start({ API_KEYS_FILE: join(folder, "keys.json") });
      const call = (method: "GET" | "POST", url: string, body?: object) =>
        replica.call(method, url, body, { "x-api-key": key });
      assert.equal((await call("POST", "/v1/sandboxes", { id: "a" })).statusCode, 201);
      const events = await replica.provisioner.app.inject({
        ...{ method: "GET", url: "/v1/sandboxes/a/events", headers: { "x-api-key": key } },
        payloadAsStream: true,
      });
      let body = "";
      const read = (async () => {
        for await (const chunk of events.stream()) body += String(chunk);
      })();
      await eventually("it has begun", () => body.includes("event: state"));
      write("0123456789abcdef-another");
      await eventually(
        "the key is known no more",
        async () => (await call("GET", "/v1/sandboxes/a")).statusCode === 401,
      );
      home.cluster.update(home.cluster.pods()[0]?.metadata.name ?? "", (pod) => {
        pod.status = Object.assign({}, pod.status, { phase: "Failed" });
      });
      await read;
      assert.equal(body.match(/^event: state$/gm)?.length, 1, body);
    } finally {
      await home.end();
      rmSync(folder, { recursive: true });
    }
  });

  it("is not begun by HEAD, which would wait for its end and take a reader's place", async () => {
    const home = await house();
    try {
      const replica = await home.start();
      assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "a" })).statusCode, 201);
      assert.equal((await replica.call("HEAD", "/v1/sandboxes/a/events")).statusCode, 404);
      assert.equal((await replica.call("HEAD", "/v1/sandboxes/a")).statusCode, 200);
    } finally {
      await home.end();
    }
  });

  it("is not begun for a sandbox that goes while it is asked whether it answers", async () => {
    const home = await house();
    try {
      home.cluster.startMs = undefined;
      const replica = await home.start({ READY_TIMEOUT_SECONDS: "1" });
      home.sandbox.status = 500;
      await replica.call("POST", "/v1/sandboxes", { id: "a" });
      const [pod] = home.cluster.pods();
      home.cluster.update(pod?.metadata.name ?? "", (copy) => {
        copy.status = { phase: "Running", podIP: "127.0.0.1" };
      });
      await eventually("its address is seen", () => home.sandbox.claims.length > 0);
      home.sandbox.before = async (what) => {
        if (what !== "GET /v1/claim") return;
        home.cluster.lose(pod?.metadata.name ?? "");
        await sleep(200);
      };
      const { statusCode, body } = await replica.call("GET", "/v1/sandboxes/a/events");
      assert.equal(statusCode, 404, body);
    } finally {
      await home.end();
    }
  });
});
