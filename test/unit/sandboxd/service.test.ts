// The server itself: description, unknown routes, limits, logs, shutdown, memory.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startServer, until } from "./server";

describe("sandboxd: service", function () {
  this.timeout(60_000);

  it("describes the sandbox quickly, again and again", async () => {
    const server = await startServer();
    try {
      const asked = performance.now();
      const context = await server.client.context();
      const first = performance.now() - asked;
      assert.deepEqual(
        [context.success, context.home_dir, context.workspace],
        [true, server.home, server.home],
      );
      assert.equal(context.detail.system.os, "Linux");
      const { port } = new URL(server.client.baseUrl);
      assert.equal(context.detail.system.occupied_ports.includes(port), true);
      const started = performance.now();
      for (let i = 0; i < 50; i++) await server.client.context();
      // The first looks for tools and asks them for their versions; the others know, and look for ports alone, where the kernel
      // takes its time if the machine has many.
      const others = performance.now() - started;
      const reading = performance.now();
      for (let i = 0; i < 50; i++) for (const file of ["tcp", "tcp6"]) readFileSync(`/proc/net/${file}`);
      const ports = performance.now() - reading;
      assert.ok(
        others < 10 * first + 5 * ports + 2_000,
        `${others} ms for 50 more, after ${first} ms for the first; ${ports} ms to look for ports as often`,
      );
      const rss = Number(
        /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(server.child.pid)}/status`, "utf8"))?.[1],
      );
      assert.equal(rss < 20 * 1024, true, `resident memory is ${rss} KiB`);
    } finally {
      await server.stop();
    }
  });

  it("notes when it starts with users' data, follows no link there, and serves also where it cannot", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sandboxd-data-"));
    try {
      const marker = join(folder, ".last-used");
      await (await startServer({ SANDBOXD_USED_MARKER: marker })).stop();
      const first = statSync(marker).ctimeMs;
      writeFileSync(join(folder, "target"), "");
      const target = statSync(join(folder, "target")).ctimeMs;
      rmSync(marker);
      symlinkSync(join(folder, "target"), marker);
      await (await startServer({ SANDBOXD_USED_MARKER: marker })).stop();
      assert.ok(lstatSync(marker).ctimeMs > first);
      assert.equal(statSync(join(folder, "target")).ctimeMs, target);
      const server = await startServer({ SANDBOXD_USED_MARKER: join(folder, "absent", ".last-used") });
      try {
        assert.equal((await server.client.context()).success, true);
      } finally {
        await server.stop();
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("answers unknown routes, wrong methods and bad bodies in JSON", async () => {
    const server = await startServer({ SANDBOXD_MAX_BODY: "1000" });
    try {
      const { client } = server;
      const cases: [string, string, string | undefined, number][] = [
        ["GET", "/v1/nope", undefined, 404],
        ["GET", "/v1/shell/exec", undefined, 405],
        ["POST", "/v1/sandbox", "{}", 405],
        ["POST", "/v1/shell/exec", "{nope", 422],
        ["POST", "/v1/shell/exec", "[]", 422],
        ["POST", "/v1/shell/exec", undefined, 422],
        ["POST", "/v1/file/write", JSON.stringify({ file: "x", content: "y".repeat(2000) }), 413],
      ];
      for (const [method, path, body, status] of cases) {
        const response = await client.request(method, path, body);
        assert.equal(response.status, status, `${method} ${path} ${body ?? ""}`);
        assert.equal("detail" in ((await response.json()) as object), true);
        if (status === 405) assert.notEqual(response.headers.get("allow"), null);
      }
    } finally {
      await server.stop();
    }
  });

  it("limits sessions with 429 that says what to do", async () => {
    const server = await startServer({ SANDBOXD_MAX_SESSIONS: "2" });
    try {
      await server.client.createSession({ id: "a" });
      await server.client.createSession({ id: "b" });
      const third = await server.client.createSession({ id: "c" });
      assert.deepEqual([third.status, third.body.success], [429, false]);
      assert.match(third.body.message, /delete one/);
      await server.client.deleteSession("a");
      assert.equal((await server.client.createSession({ id: "c" })).status, 200);
    } finally {
      await server.stop();
    }
  });

  it("logs one JSON line a request, without bodies or queries", async () => {
    const server = await startServer();
    try {
      await server.client.bash("echo private-words");
      await server.client.download("/private-path");
      await until(() => server.logs.length >= 3, "both requests are logged");
      const entry = JSON.parse(server.logs[1] ?? "") as Record<string, unknown>;
      assert.deepEqual(
        [entry["method"], entry["path"], entry["status"], typeof entry["ms"]],
        ["POST", "/v1/bash/exec", 200, "number"],
      );
      assert.equal(
        server.logs.some((line) => line.includes("private")),
        false,
      );
    } finally {
      await server.stop();
    }
  });

  it("ends every process on SIGTERM, daemons too, and answers whoever waits", async () => {
    const server = await startServer();
    const waiting = server.client.shell("sleep 60", { id: "w" });
    const daemon = await server.client.bash("(setsid sleep 61 </dev/null >/dev/null 2>&1 & echo $!)");
    const pid = daemon.body.data.stdout.trim();
    assert.equal(existsSync(`/proc/${pid}`), true);
    await until(async () => (await server.client.view("w")).status === 200, "the session runs");
    assert.equal(await server.stop(), 0);
    assert.equal((await waiting).body.data.status, "terminated");
    await until(() => !existsSync(`/proc/${pid}`), "the daemon is gone");
  });

  it("refuses settings that cannot work, by name", async () => {
    const { buildSandboxd } = await import("../../../toolchain/sandbox-image/binary.js");
    const binary = await buildSandboxd();
    for (const [name, value] of [
      ["SANDBOXD_HOME", "/nope"],
      ["SANDBOXD_MAX_BODY", "-1"],
      ["SANDBOXD_WORKSPACE", "rel"],
      ["SANDBOXD_ALLOWED_HOSTS", "http://a.example"],
      ["SANDBOXD_ALLOWED_ORIGINS", "*"],
    ] as const) {
      const result = spawnSync(binary, [], {
        env: { HOME: "/tmp", [name]: value },
        encoding: "utf8",
        timeout: 5000,
      });
      assert.equal(result.status, 2);
      assert.match(result.stderr, new RegExp(`${name}.*"${value}"`));
    }
  });
});
