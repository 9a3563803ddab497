// Commands through pipes as a client sees them: streams apart, variables for one command, time limits, kills.
import assert from "node:assert/strict";

import type { BashResult, BashSession, SandboxClient } from "../../support/sandbox-client";
import { alive, type Server, startServer, until } from "./server";

describe("sandboxd: bash", function () {
  this.timeout(60_000);
  let server: Server;
  let client: SandboxClient;

  before(async () => {
    server = await startServer();
    client = server.client;
  });
  after(() => server.stop());

  it("keeps output and error apart and gives the exit code", async () => {
    const { data } = (await client.bash("echo out; echo err >&2; exit 3")).body;
    assert.deepEqual(
      [data.stdout, data.stderr, data.exit_code, data.status],
      ["out\n", "err\n", 3, "completed"],
    );
    assert.deepEqual([data.offset, data.stderr_offset], [4, 4]);
    assert.equal((await client.bash("kill -9 $$")).body.data.exit_code, 137);
  });

  it("gives variables to one command only, and never writes them to the log", async () => {
    const session_id = "env";
    const env = { TOKEN: "s3cr3t-value", EMPTY: "" };
    const first = await client.bash('echo "$TOKEN-${EMPTY-unset}"', { session_id, env });
    assert.equal(first.body.data.stdout, "s3cr3t-value-\n");
    assert.equal((await client.bash('echo "[$TOKEN]"', { session_id })).body.data.stdout, "[]\n");
    assert.equal(
      server.logs.some((line) => line.includes("s3cr3t")),
      false,
    );
  });

  it("has no terminal, no input, and none of the server's own settings", async () => {
    const { data } = (
      await client.bash("test -t 0 || test -t 1 && echo tty; cat; env | grep SANDBOXD_ADDRESS")
    ).body;
    assert.deepEqual([data.stdout, data.status], ["", "completed"]);
  });

  it("forgets old commands for the text of new ones, and for what they go on writing after their end", async () => {
    const small = await startServer({ SANDBOXD_MAX_RETAINED: "100000" });
    const remembered = async (command_id: string): Promise<boolean> =>
      (await small.client.post("/v1/bash/output", { session_id: "s", command_id })).status === 200;
    const run = async (command: string): Promise<string> =>
      (await small.client.bash(command, { session_id: "s" })).body.data.command_id;
    try {
      const first = await run(`true ${"x".repeat(60_000)}`);
      assert.equal(await remembered(first), true);
      const second = await run(`true ${"x".repeat(60_000)}`);
      await until(async () => !(await remembered(first)), "the first is forgotten");
      assert.equal(await remembered(second), true);
      const third = await run("(sleep 0.5; head -c 60000 /dev/zero) &");
      assert.equal(await remembered(second), true);
      await until(async () => !(await remembered(second)), "the second is forgotten");
      assert.equal(await remembered(third), true);
    } finally {
      await small.stop();
    }
  });

  it("remembers a session's folder, and nothing else", async () => {
    const session_id = "folder";
    assert.equal((await client.bash("pwd", { session_id })).body.data.stdout, `${server.home}\n`);
    await client.bash("cd /; X=1", { session_id, exec_dir: "/tmp" });
    assert.equal((await client.bash("pwd; echo [$X]", { session_id })).body.data.stdout, "/tmp\n[]\n");
    assert.equal((await client.bash("pwd", { exec_dir: "/nope" })).status, 400);
  });

  it("refuses with 400 to run in a folder that has gone, and with 413 what the kernel takes for too long", async () => {
    const session_id = "gone";
    await client.bash("mkdir gone", { session_id });
    await client.bash("rmdir $PWD", { session_id, exec_dir: `${server.home}/gone` });
    const gone = await client.bash("pwd", { session_id });
    assert.deepEqual([gone.status, gone.body.message.includes(`${server.home}/gone`)], [400, true]);
    const long = "x".repeat(200_000);
    for (const answer of [await client.bash(`: ${long}`), await client.bash(":", { env: { LONG: long } })]) {
      assert.deepEqual([answer.status, answer.body.success], [413, false]);
      assert.match(answer.body.message, /128 KiB/);
    }
  });

  it("shortens each stream in its middle, or not at all with 0", async () => {
    const command = "echo START; head -c 200000 /dev/zero | tr '\\0' é; echo END; echo short >&2";
    const cut = (await client.bash("echo START; printf 'é%.0s' {1..60000}; echo END; echo short >&2")).body
      .data;
    assert.equal(Array.from(cut.stdout).length <= 50_000, true);
    assert.match(cut.stdout, /^START\né+\n\[... \d+ characters truncated ...\]\né+END\n$/);
    assert.equal(cut.stderr, "short\n");
    const few = (await client.bash(command, { max_output_length: 100 })).body.data;
    assert.equal(Array.from(few.stdout).length <= 100, true);
    const whole = (await client.bash("head -c 300000 /dev/zero | tr '\\0' x", { max_output_length: 0 })).body
      .data;
    assert.equal(whole.stdout.length, 300_000);
  });

  it("replaces bytes that are no text", async () => {
    assert.equal((await client.bash("printf 'a\\xff\\xfeb €'")).body.data.stdout, "a\uFFFDb €");
  });

  it("answers running at its timeout, and output goes on from the offsets", async () => {
    const first = (
      await client.bash("echo one; sleep 0.5; printf 'tw\\xc3'; sleep 0.2; printf '\\xb6\\n'; exit 4", {
        timeout: 0.2,
      })
    ).body.data;
    assert.deepEqual([first.status, first.stdout, first.exit_code], ["running", "one\n", null]);
    let text = first.stdout;
    let last: BashResult = first;
    while (last.status === "running") {
      const { session_id, command_id, offset, stderr_offset } = last;
      const fields = { session_id, command_id, offset, stderr_offset, wait: true, wait_timeout: 5 };
      last = (await client.post<BashResult>("/v1/bash/output", fields)).body.data;
      text += last.stdout;
    }
    assert.deepEqual([text, last.status, last.exit_code], ["one\ntwö\n", "completed", 4]);
    assert.equal((await client.post("/v1/bash/output", { session_id: "none" })).status, 404);
  });

  it("returns when the command ends, not when what it left behind lets go of the output", async () => {
    const started = Date.now();
    const { data } = (await client.bash("sleep 20 & echo $!")).body;
    assert.equal(Date.now() - started < 5000, true);
    assert.equal(await alive(client, data.stdout.trim()), true);
    await client.post("/v1/bash/kill", { session_id: data.session_id, signal: "SIGKILL" });
    await until(async () => !(await alive(client, data.stdout.trim())), "the rest is dead");
  });

  it("kills the whole tree at the hard timeout: stubborn, detached and daemonised", async () => {
    const command =
      `bash -c 'trap "" TERM INT; echo $BASHPID; while :; do sleep 0.1; done' & ` +
      `setsid bash -c 'echo $BASHPID; sleep 60' & (setsid bash -c '(echo $BASHPID; exec sleep 60) &' &); sleep 60`;
    const { data } = (await client.bash(command, { hard_timeout: 0.7 })).body;
    assert.deepEqual([data.status, data.exit_code], ["timed_out", null]);
    const pids = data.stdout.trim().split("\n");
    assert.equal(pids.length, 3);
    for (const pid of pids) await until(async () => !(await alive(client, pid)), `process ${pid} is dead`);
  });

  it("is ended by kill with a signal of choice", async () => {
    const { session_id } = (
      await client.bash("trap 'echo caught; exit 0' TERM; echo up; while :; do sleep 0.05; done", {
        async_mode: true,
      })
    ).body.data;
    const read = async (): Promise<BashResult> =>
      (await client.post<BashResult>("/v1/bash/output", { session_id })).body.data;
    await until(async () => (await read()).stdout !== "", "the trap is set");
    await client.post("/v1/bash/kill", { session_id });
    await until(async () => (await read()).status === "killed", "the command is over");
    assert.equal((await read()).stdout, "up\ncaught\n");
    const issues = await client.issues("/v1/bash/kill", { session_id, signal: "SIGHUP" });
    assert.match(issues[0]?.msg ?? "", /SIGTERM, SIGKILL, SIGINT/);
    assert.equal((await client.post("/v1/bash/kill", { session_id: "none" })).status, 404);
  });

  it("runs commands side by side, and refuses more than its limit", async () => {
    const small = await startServer({ SANDBOXD_MAX_COMMANDS: "3" });
    try {
      const runs = await Promise.all(Array.from({ length: 5 }, () => small.client.bash("sleep 0.5; echo x")));
      assert.deepEqual(runs.map((run) => run.status).sort(), [200, 200, 200, 429, 429]);
      assert.equal((await small.client.bash("echo y")).body.data.stdout, "y\n");
    } finally {
      await small.stop();
    }
  });

  it("refuses wrong requests with 422", async () => {
    const issues = await client.issues("/v1/bash/exec", {
      command: "x",
      env: { "A=B": "1" },
      max_output_length: -1,
      exec_dir: "x",
    });
    assert.deepEqual(issues.map((issue) => issue.loc[1]).sort(), ["env", "exec_dir", "max_output_length"]);
  });

  const listed = async (): Promise<BashSession[]> =>
    ((await (await client.request("GET", "/v1/bash/sessions")).json()) as { data: BashSession[] }).data;

  it("lists sessions with their commands", async () => {
    await client.bash("true", { session_id: "listed" });
    const session = (await listed()).find((item) => item.session_id === "listed");
    assert.equal(session?.commands[0]?.status, "completed");
    assert.deepEqual([session.command_count, session.current_command], [1, null]);
  });

  it("makes a session that commands then run in, again for one that is there", async () => {
    const { body } = await client.createBashSession({ session_id: "made", exec_dir: "/usr" });
    assert.deepEqual(
      [body.data.session_id, body.data.working_dir, body.data.command_count],
      ["made", "/usr", 0],
    );
    assert.equal((await client.bash("pwd", { session_id: "made" })).body.data.stdout, "/usr\n");
    assert.equal((await client.createBashSession({ session_id: "made" })).body.data.command_count, 1);
    assert.match((await client.createBashSession()).body.data.session_id, /^[0-9a-f]{32}$/);
  });

  it("makes no session in a folder that is not there, and none from a snapshot", async () => {
    const missing = await client.createBashSession({ session_id: "nowhere", exec_dir: "/none" });
    assert.deepEqual([missing.status, missing.body.message.includes("/none")], [400, true]);
    assert.ok(!(await listed()).some((item) => item.session_id === "nowhere"));
    const issues = await client.issues("/v1/bash/sessions/create", { snapshot_path: "/tmp/x" });
    assert.deepEqual(issues[0]?.loc, ["body", "snapshot_path"]);
  });

  it("closes a session: what runs is killed with its children, what is over is forgotten, what was left stays", async () => {
    const session_id = "closed";
    const left = (
      await client.bash("sleep 100 >/dev/null 2>&1 & echo $!", { session_id })
    ).body.data.stdout.trim();
    const running = client.bash("sleep 100 & echo $! > child; wait", { session_id });
    await until(async () => (await client.bash("cat child")).body.data.stdout !== "", "it runs");
    const child = (await client.bash("cat child")).body.data.stdout.trim();
    assert.equal((await client.closeBashSession(session_id)).status, 200);
    assert.equal((await running).body.data.status, "killed");
    await until(async () => !(await alive(client, child)), "its child is dead");
    assert.ok(await alive(client, left));
    await client.bash(`kill ${left}; rm child`);
    const gone = await client.closeBashSession(session_id);
    assert.deepEqual([gone.status, gone.body.success], [404, false]);
    // What clients take for a session that is gone, and not for a route that is missing.
    assert.match(gone.body.message, /^session not found/);
    assert.ok(!(await listed()).some((item) => item.session_id === session_id));
    assert.equal((await client.post("/v1/bash/output", { session_id })).status, 404);
    assert.equal((await client.bash("echo again", { session_id })).body.data.stdout, "again\n");
  });

  it("counts nothing of what is forgotten: sixty closed sessions leave room for others", async () => {
    const small = await startServer({ SANDBOXD_MAX_RETAINED: "20000" });
    try {
      const kept = (await small.client.bash("echo kept", { session_id: "kept" })).body.data.command_id;
      for (let count = 0; count < 60; count++) {
        await small.client.bash("echo x", { session_id: `s${count}` });
        await small.client.closeBashSession(`s${count}`);
      }
      const { status } = await small.client.post("/v1/bash/output", { session_id: "kept", command_id: kept });
      assert.equal(status, 200);
    } finally {
      await small.stop();
    }
  });
});
