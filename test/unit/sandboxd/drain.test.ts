// The end of a sandbox: readiness goes first, what runs may finish, what is new is refused, and then everything ends.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { type Server, startServer, until } from "./server";

describe("sandboxd: draining", function () {
  this.timeout(60_000);
  let server: Server;

  /** Asks the server to end and waits until it drains. */
  async function terminate(): Promise<void> {
    server.child.kill("SIGTERM");
    await until(() => server.logs.some((line) => line.includes('"draining"')), "the server drains");
  }

  const exitCode = (): Promise<number | null> =>
    server.child.exitCode === null
      ? new Promise((resolve) => server.child.once("exit", resolve))
      : Promise.resolve(server.child.exitCode);

  it("fails readiness at once, lets commands finish, refuses new ones, and then ends", async () => {
    server = await startServer({ SANDBOXD_DRAIN_SECONDS: "20" });
    const { client } = server;
    const shell = client.shell("sleep 1; echo shell done", { id: "s" });
    const bash = client.bash("sleep 1; echo bash done");
    const { session_id } = (await client.bash("echo early; sleep 1.2", { async_mode: true })).body.data;
    await until(async () => (await client.view("s")).status === 200, "the session runs");
    await terminate();
    assert.equal((await client.request("GET", "/readyz")).status, 503);
    assert.equal((await client.request("GET", "/livez")).status, 200);
    for (const [path, fields] of [
      ["/v1/bash/exec", { command: "echo new" }],
      ["/v1/shell/exec", { command: "echo new" }],
      ["/v1/shell/exec", { command: "echo new", id: "s2" }],
      ["/v1/shell/sessions/create", {}],
    ] as const) {
      const response = await client.request("POST", path, JSON.stringify(fields));
      const body = (await response.json()) as { success: boolean; message: string };
      assert.deepEqual([response.status, body.success], [503, false], path);
      assert.match(body.message, /shutting down.*another sandbox/);
      assert.equal(response.headers.get("retry-after"), "1");
    }
    const output = await client.post<{ stdout: string }>("/v1/bash/output", { session_id });
    assert.equal(output.body.data.stdout, "early\n");
    assert.equal((await client.write("late.txt", "x")).status, 200);
    assert.deepEqual((await shell).body.data.output, "shell done");
    assert.deepEqual((await bash).body.data.stdout, "bash done\n");
    assert.equal(await server.stop(), 0);
  });

  it("waits no longer than its time", async () => {
    server = await startServer({ SANDBOXD_DRAIN_SECONDS: "1" });
    const waiting = server.client.bash("sleep 60");
    await until(
      async () => (await server.client.bash("pgrep -f 'sleep 60' | wc -l")).status === 200,
      "it runs",
    );
    const started = Date.now();
    await terminate();
    assert.equal((await waiting).body.data.status, "killed");
    assert.equal(await server.stop(), 0);
    const ms = Date.now() - started;
    assert.equal(ms >= 900 && ms < 8000, true, `${ms} ms`);
  });

  it("ends at once when it is asked a second time", async () => {
    server = await startServer({ SANDBOXD_DRAIN_SECONDS: "60" });
    const waiting = server.client.bash("sleep 60");
    await until(async () => (await server.client.bash("true")).status === 200, "it runs");
    await terminate();
    const started = Date.now();
    assert.equal(await server.stop(), 0);
    assert.equal(Date.now() - started < 8000, true);
    assert.equal((await waiting).body.data.status, "killed");
  });

  it("ends at once when nothing runs, and without a time for it as well", async () => {
    for (const seconds of ["30", "0"]) {
      server = await startServer({ SANDBOXD_DRAIN_SECONDS: seconds });
      const waiting = seconds === "0" ? server.client.bash("sleep 60") : undefined;
      await server.client.shell("true");
      const started = Date.now();
      server.child.kill("SIGTERM");
      assert.equal(await exitCode(), 0);
      assert.equal(Date.now() - started < 8000, true);
      await server.stop();
      if (waiting !== undefined) assert.equal((await waiting).body.data.status, "killed");
    }
  });

  it("cannot be claimed any more", async () => {
    const hash = createHash("sha256").update("secret").digest("hex");
    server = await startServer({ SANDBOXD_DRAIN_SECONDS: "20", SANDBOXD_CLAIM_SHA256: hash });
    const claim = JSON.stringify({ claim_id: "a", token: null, env: {}, secrets: {} });
    const send = (): Promise<Response> =>
      server.client.request("POST", "/v1/claim", claim, { authorization: "Bearer secret" });
    assert.equal((await send()).status, 200);
    const running = server.client.bash("sleep 1");
    await until(async () => (await server.client.bash("true")).status === 200, "it runs");
    await terminate();
    const late = await send();
    assert.deepEqual(
      [late.status, ((await late.json()) as { message: string }).message],
      [503, "the sandbox is shutting down and cannot be claimed; take another"],
    );
    assert.equal((await running).body.data.status, "completed");
    assert.equal(await server.stop(), 0);
  });
});
