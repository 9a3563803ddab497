// Metrics and logs: a listener of its own that does nothing else, numbers that are right, ids that tie logs together.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { startServer, until, type Server } from "./server";

const withMetrics = { SANDBOXD_METRICS_ADDRESS: "127.0.0.1:0" };

function metricsUrl(server: Server): string {
  const { metrics } = JSON.parse(server.logs[0] ?? "") as { metrics: string };
  return `http://${metrics}`;
}

async function metrics(server: Server): Promise<string> {
  const response = await fetch(`${metricsUrl(server)}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return response.text();
}

describe("sandboxd: metrics", function () {
  this.timeout(60_000);

  it("are not served unless asked for, and never by the API's own port", async () => {
    const server = await startServer();
    try {
      assert.equal(metricsUrl(server), "http://");
      assert.equal((await server.client.request("GET", "/metrics")).status, 404);
    } finally {
      await server.stop();
    }
  });

  it("have a listener that runs nothing and turns web pages away", async () => {
    const server = await startServer(withMetrics);
    try {
      const url = metricsUrl(server);
      assert.equal((await server.client.request("GET", "/metrics")).status, 404);
      for (const path of ["/", "/v1/sandbox", "/v1/bash/sessions"])
        assert.equal((await fetch(url + path)).status, 404);
      const body = JSON.stringify({ command: "true" });
      const headers = { "content-type": "application/json" };
      assert.equal((await fetch(`${url}/v1/bash/exec`, { method: "POST", body, headers })).status, 404);
      assert.equal((await fetch(`${url}/metrics`, { method: "POST" })).status, 405);
      const page = await fetch(`${url}/metrics`, { headers: { origin: "http://page.example" } });
      assert.equal(page.status, 403);
    } finally {
      await server.stop();
    }
  });

  it("count commands of both kinds by outcome, and those that run", async () => {
    const server = await startServer({ ...withMetrics, SANDBOXD_MAX_COMMANDS: "1" });
    try {
      const { client } = server;
      const has = async (line: string): Promise<void> => {
        const text = await metrics(server);
        assert.ok(text.includes(`\n${line}\n`), `${line} is not in\n${text}`);
      };
      await client.bash("true");
      await client.bash("exit 3");
      await client.bash("sleep 30", { hard_timeout: 0.1 });
      await client.shell("true", { id: "s" });
      await client.shell("false", { id: "s" });
      await client.shell("sleep 30", { id: "s", hard_timeout: 0.1 });
      await client.bash("sleep 30", { session_id: "b", async_mode: true });
      await has("sandboxd_commands_running 1");
      assert.equal((await client.bash("true")).status, 429);
      assert.equal((await client.shell("true", { id: "s" })).status, 429);
      await client.post("/v1/bash/kill", { session_id: "b", signal: "SIGKILL" });
      const waiting = client.shell("sleep 30", { id: "s" });
      await until(
        async () => (await metrics(server)).includes("sandboxd_commands_running 1"),
        "the command runs",
      );
      await client.post("/v1/shell/kill", { id: "s" });
      await waiting;
      await has("sandboxd_commands_running 0");
      for (const kind of ["bash", "shell"]) {
        for (const outcome of ["succeeded", "failed", "timed_out", "killed", "refused"])
          await has(`sandboxd_commands_total{kind="${kind}",outcome="${outcome}"} 1`);
      }
      await has('sandboxd_sessions{kind="shell"} 1');
    } finally {
      await server.stop();
    }
  });

  it("count output that was dropped as well", async () => {
    const server = await startServer({ ...withMetrics, SANDBOXD_MAX_OUTPUT: "1000" });
    try {
      await server.client.bash("head -c 100000 /dev/zero; head -c 5000 /dev/zero >&2");
      await server.client.shell("printf 12345", { id: "s" });
      const text = await metrics(server);
      assert.match(text, /^sandboxd_output_bytes_total\{kind="bash"\} 105000$/m);
      assert.match(text, /^sandboxd_output_bytes_total\{kind="shell"\} 5$/m);
    } finally {
      await server.stop();
    }
  });

  it("have no more series after a hundred different requests than after one", async () => {
    const server = await startServer(withMetrics);
    try {
      const series = async (): Promise<number> => (await metrics(server)).split("\n").length;
      await server.client.request("GET", "/v1/nope");
      await server.client.deleteSession("none");
      const before = await series();
      for (let i = 0; i < 100; i++) {
        await server.client.request("GET", `/v1/nope/${i}`);
        await server.client.deleteSession(`none-${i}`);
      }
      assert.equal(await series(), before);
    } finally {
      await server.stop();
    }
  });

  it("cost next to nothing", async () => {
    const server = await startServer(withMetrics);
    try {
      for (let i = 0; i < 100; i++) await metrics(server);
      const status = readFileSync(`/proc/${String(server.child.pid)}/status`, "utf8");
      const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      assert.ok(kib < 20 * 1024, `resident memory is ${kib} KiB`);
      const told = Number(/^process_resident_memory_bytes (\S+)$/m.exec(await metrics(server))?.[1]);
      assert.ok(Math.abs(told / 1024 - kib) < 4096, `it says ${told} bytes, the kernel ${kib} KiB`);
    } finally {
      await server.stop();
    }
  });

  it("need an address that can be had", async () => {
    await assert.rejects(startServer({ SANDBOXD_METRICS_ADDRESS: "256.0.0.1:1" }), /the server ended with 1/);
  });
});

describe("sandboxd: logs", function () {
  this.timeout(60_000);

  it("name each request: as the client did, or by a random id", async () => {
    const server = await startServer();
    try {
      const ask = async (id?: string): Promise<string | null> => {
        const headers: Record<string, string> = id === undefined ? {} : { "x-request-id": id };
        const response = await server.client.request("GET", "/v1/sandbox", undefined, headers);
        return response.headers.get("x-request-id");
      };
      assert.equal(await ask("trace-1:a.b_c"), "trace-1:a.b_c");
      for (const bad of [undefined, 'a" b', "a".repeat(129)])
        assert.match((await ask(bad)) ?? "", /^[0-9a-f]{32}$/);
      await server.client.deleteSession("none");
      await until(() => server.logs.length >= 6, "all requests are logged");
      const [first, , , , last] = server.logs
        .slice(1)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.equal(first?.["request_id"], "trace-1:a.b_c");
      assert.deepEqual([first["route"], first["status"]], ["/v1/sandbox", 200]);
      assert.ok(Number(first["bytes"]) > 100);
      assert.deepEqual(
        [last?.["route"], last?.["path"]],
        ["/v1/shell/sessions/{id}", "/v1/shell/sessions/none"],
      );
    } finally {
      await server.stop();
    }
  });

  it("name the trace that a request is a part of, and nothing that only looks like one", async () => {
    const server = await startServer();
    try {
      const [trace, span] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
      const asked = [
        `00-${trace}-${span}-01`,
        `cc-${trace}-${span}-01-more`,
        "",
        `00-${trace}-${span}-01-more`,
        `ff-${trace}-${span}-01`,
        `00-${"0".repeat(32)}-${span}-01`,
        `00-${trace}-${"0".repeat(16)}-01`,
        `00-${trace.toUpperCase()}-${span}-01`,
        `00-${trace}"-${span}-01`,
      ];
      for (const traceparent of asked)
        await server.client.request("GET", "/v1/sandbox", undefined, { traceparent });
      await until(() => server.logs.length > asked.length, "all requests are logged");
      const logged = server.logs.slice(1).map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        logged.map((line) => line["trace_id"]),
        [trace, trace, ...asked.slice(2).map(() => undefined)],
      );
    } finally {
      await server.stop();
    }
  });
});
