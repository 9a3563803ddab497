// Shell sessions as a client sees them: state, output, ends of commands, kills.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { SandboxClient } from "../../support/sandbox-client";
import { alive, type Server, startServer, until } from "./server";

describe("sandboxd: shell", function () {
  this.timeout(60_000);
  let server: Server;
  let client: SandboxClient;
  let count = 0;
  const fresh = (): string => `test-${++count}`;

  before(async () => {
    server = await startServer({ SANDBOXD_MAX_SESSIONS: "100" });
    client = server.client;
  });
  after(() => server.stop());

  const output = async (command: string, options: Record<string, unknown> = {}): Promise<string> =>
    (await client.shell(command, { id: fresh(), ...options })).body.data.output;

  describe("a session", () => {
    it("keeps folder, variables, functions, aliases and the last exit code", async () => {
      const id = fresh();
      await client.shell(
        "mkdir -p sub; cd sub; export A='x y'; B=2; f() { echo fn-$1; }; alias g='echo al'; false",
        { id },
      );
      const { body } = await client.shell('echo "$?|$A|$B|$PWD"; f 3; g', { id });
      assert.equal(body.data.output, `1|x y|2|${server.home}/sub\nfn-3\nal`);
    });

    it("is made by the first command that names it, and the default one is shared by commands without id", async () => {
      const first = await client.shell("X=shared");
      const second = await client.shell("echo $X");
      assert.equal(second.body.data.output, "shared");
      assert.equal(first.body.data.session_id, second.body.data.session_id);
    });

    it("declares variables globally, arrays too", async () => {
      const id = fresh();
      await client.shell("declare -A map=([k]=v); declare n=1", { id });
      assert.equal((await client.shell("echo ${map[k]}$n", { id })).body.data.output, "v1");
    });

    it("reads .bashrc", async () => {
      writeFileSync(join(server.home, ".bashrc"), "RC=loaded\n");
      assert.equal(await output("echo $RC"), "loaded");
    });

    it("ends with exit, answers terminated with the code, and starts anew with the next command", async () => {
      const id = fresh();
      const ended = (await client.shell("cd /; echo bye; exit 7", { id })).body.data;
      assert.deepEqual([ended.status, ended.exit_code, ended.output], ["terminated", 7, "bye"]);
      const next = (await client.shell("pwd", { id })).body.data;
      assert.deepEqual([next.status, next.output], ["completed", server.home]);
    });

    it("survives set -e, set -u and set -x in its own machinery", async () => {
      const id = fresh();
      await client.shell("set -eu; set -x", { id });
      const traced = (await client.shell("echo on", { id })).body.data.output;
      assert.match(traced, /^\++ echo on\non$/);
      assert.doesNotMatch(traced, /sandboxd/);
      assert.equal((await client.shell("false", { id })).body.data.status, "terminated");
    });

    it("has no names of its own that a command could make read-only", async () => {
      const id = fresh();
      await client.shell("readonly status=7 folder=x word=y line=z", { id, timeout: 5 });
      const { data } = (await client.shell("pwd; (exit 3)", { id, exec_dir: "/tmp", timeout: 5 })).body;
      assert.deepEqual([data.status, data.output, data.exit_code], ["completed", "/tmp", 3]);
    });

    it("gives a trap of ERR nothing of its own machinery", async () => {
      const id = fresh();
      await client.shell("trap 'echo failed' ERR; cd sub/none", { id });
      assert.equal((await client.shell('echo "on $?"', { id })).body.data.output, "on 1");
      assert.match((await client.shell("false; echo on", { id })).body.data.output, /^failed\non$/);
      assert.equal((await client.shell("trap - ERR; true", { id })).body.data.output, "");
    });

    it("traces nothing but commands, also into a file of the caller's", async () => {
      const id = fresh();
      await client.shell("exec 2>traced; set -x", { id });
      for (const command of ["echo one", "false", "echo two"]) await client.shell(command, { id });
      const { output: traced } = (await client.shell("set +x; cat traced", { id })).body.data;
      assert.deepEqual(
        traced.split("\n").map((line) => line.replace(/^\++ /, "")),
        ["echo one", "false", "echo two", "set +x"],
      );
      assert.equal((await client.shell("echo off; cat traced", { id })).body.data.output, `off\n${traced}`);
    });

    it("takes a long command with characters of several bytes, and a folder with them beside it", async () => {
      const id = fresh();
      await client.shell("mkdir -p 'ä b'", { id });
      const command = `printf '%s' "\u00e4\ud83d\ude00${"x".repeat(5_000)}" | wc -c; pwd`;
      const { output: printed } = (await client.shell(command, { id, exec_dir: `${server.home}/ä b` })).body
        .data;
      assert.equal(printed, `5006\n${server.home}/ä b`);
    });

    it("is listed, updated and deleted; unknown ones are 404", async () => {
      const id = fresh();
      const made = await client.createSession({ id, exec_dir: "/tmp", no_change_timeout: 5 });
      assert.deepEqual(made.body.data, { session_id: id, working_dir: "/tmp" });
      assert.equal((await client.createSession({ id })).body.data.working_dir, "/tmp");
      const sessions = (await (await client.request("GET", "/v1/shell/sessions")).json()) as {
        data: { sessions: Record<string, { working_dir: string; status: string }> };
      };
      assert.equal(sessions.data.sessions[id]?.working_dir, "/tmp");
      assert.equal(
        (await client.post("/v1/shell/sessions/update", { id, no_change_timeout: 9 })).status,
        200,
      );
      assert.equal((await client.deleteSession(id)).status, 200);
      const gone = await client.deleteSession(id);
      assert.deepEqual([gone.status, gone.body.success], [404, false]);
      for (const path of ["view", "wait", "kill"]) {
        assert.equal((await client.post(`/v1/shell/${path}`, { id })).status, 404, path);
      }
    });

    it("changes to exec_dir; a missing one is ignored, or refused with strict", async () => {
      const id = fresh();
      assert.equal((await client.shell("pwd", { id, exec_dir: "/tmp" })).body.data.output, "/tmp");
      assert.equal((await client.shell("pwd", { id, exec_dir: "/nope" })).body.data.output, "/tmp");
      const strict = await client.shell("pwd", { id, exec_dir: "/nope", strict: true });
      assert.equal(strict.status, 400);
      assert.match(strict.body.message, /\/nope/);
    });

    it("shows the real folder, or the link with preserve_symlinks", async () => {
      mkdirSync(join(server.home, "real"));
      symlinkSync(join(server.home, "real"), join(server.home, "link"));
      const exec_dir = join(server.home, "link");
      assert.equal(await output("pwd", { exec_dir }), join(server.home, "real"));
      assert.equal(await output("pwd", { exec_dir, preserve_symlinks: true }), exec_dir);
    });
  });

  describe("output", () => {
    it("has no echo, no prompt and plain line ends; heredocs and several lines work", async () => {
      assert.equal(
        await output("cat <<X\none\n  two\nX\nfor i in 1 2; do\n  echo $i\ndone"),
        "one\n  two\n1\n2",
      );
    });

    it("is UTF-8, also when characters arrive in pieces and when bytes are no text", async () => {
      assert.equal(
        await output("printf '\\xe2'; sleep 0.05; printf '\\x82'; sleep 0.05; printf '\\xac é 漢字 🎉'"),
        "€ é 漢字 🎉",
      );
      assert.equal(await output("printf 'a\\xffb'"), "a\uFFFDb");
    });

    it("loses terminal control sequences", async () => {
      assert.equal(await output("printf '\\033[31mred\\033[0m \\033]0;title\\007end\\r\\n'"), "red end");
    });

    it("is cut in the middle at 30,000 characters, and whole with truncate false", async () => {
      const command = "echo START; for i in {1..20000}; do echo line-$i; done; echo END";
      const cut = await output(command);
      assert.equal(Array.from(cut).length <= 30_000, true);
      assert.match(cut, /^START\nline-1\n[^]*characters truncated[^]*line-20000\nEND$/);
      const whole = await output(command, { truncate: false });
      assert.equal(whole.split("\n").length, 20_002);
      assert.doesNotMatch(whole, /truncated|dropped/);
    });

    it("stays bounded however much is printed", async () => {
      const huge = await output("head -c 6000000 /dev/zero | tr '\\0' x; echo END", { truncate: false });
      assert.equal(huge.length < 2_200_000, true);
      assert.match(huge, /bytes dropped[^]*xEND$/);
    });

    it("cannot end a command early, whatever it prints about the session's own machinery", async () => {
      const text = await output(
        "declare -f; set; printf '\\036%sE0;/\\0' 0123456789abcdef0123456789abcdef; echo last",
      );
      assert.match(text, /last$/);
      assert.doesNotMatch(text.replace(/\u001e0123.*?\0/s, ""), /\u001e[0-9a-f]{32}/);
    });

    it("of a background job belongs to no later command", async () => {
      const id = fresh();
      await client.shell("(sleep 0.2; echo late) & disown", { id });
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.equal((await client.shell("echo now", { id })).body.data.output, "now");
    });

    it("of a syntax error is an exit code, not a hanging shell", async () => {
      const { data } = (await client.shell("echo 'open", { id: fresh(), timeout: 5 })).body;
      assert.deepEqual([data.status, data.exit_code === 0], ["completed", false]);
    });

    it("of commands longer than a terminal's line arrives", async () => {
      assert.equal((await output(`echo ${"w ".repeat(40_000)}| wc -w`)).trim(), "40000");
    });
  });

  describe("a long command", () => {
    it("goes on after timeout, is seen by view and ended by wait", async () => {
      const id = fresh();
      const started = (await client.shell("echo a; sleep 0.6; echo b", { id, timeout: 0.2 })).body;
      assert.deepEqual(
        [started.data.status, started.data.output, started.data.exit_code],
        ["running", "a", null],
      );
      assert.match(started.hint ?? "", /shell\/view/);
      const busy = await client.shell("echo no", { id });
      assert.deepEqual([busy.status, busy.body.success], [409, false]);
      assert.equal(
        (await client.post<{ status: string }>("/v1/shell/wait", { id, seconds: 5 })).body.data.status,
        "completed",
      );
      const { data } = (await client.view(id)).body;
      assert.deepEqual([data.output, data.exit_code, data.console.length], ["a\nb", 0, 1]);
    });

    it("returns at once with async_mode", async () => {
      const id = fresh();
      const { data } = (await client.shell("sleep 0.2; echo done", { id, async_mode: true })).body;
      assert.equal(data.status, "running");
      await until(async () => (await client.view(id)).body.data.output === "done", "the command is done");
    });

    it("returns no_change_timeout after silence only", async () => {
      const { data } = (
        await client.shell("for i in 1 2 3 4; do echo $i; sleep 0.3; done; sleep 9", {
          id: fresh(),
          no_change_timeout: 1,
        })
      ).body;
      assert.deepEqual([data.status, data.output], ["no_change_timeout", "1\n2\n3\n4"]);
    });

    it("makes way for a new default session when it is left behind", async () => {
      const left = (await client.shell("sleep 5", { timeout: 0.1 })).body.data;
      const next = (await client.shell("echo free")).body.data;
      assert.equal(next.output, "free");
      assert.notEqual(next.session_id, left.session_id);
      await client.deleteSession(left.session_id);
    });

    it("reads what is written to it, unseen, and is interrupted by Ctrl-C", async () => {
      const id = fresh();
      await client.shell("read -p 'name? ' x; echo hello $x; cat", { id, timeout: 0.2 });
      await client.post("/v1/shell/write", { id, input: "wörld", press_enter: true });
      await until(async () => (await client.view(id)).body.data.output.includes("hello"), "the greeting");
      assert.equal((await client.view(id)).body.data.output, "name? hello wörld");
      // Only what runs is interrupted: a shell that is about to start it takes the key for its own.
      await client.post("/v1/shell/write", { id, input: "again", press_enter: true });
      await until(async () => (await client.view(id)).body.data.output.includes("again"), "cat's answer");
      await client.post("/v1/shell/write", { id, input: "\u0003", press_enter: false });
      await client.post("/v1/shell/wait", { id, seconds: 5 });
      assert.deepEqual(
        [(await client.view(id)).body.data.status, (await client.view(id)).body.data.exit_code],
        ["completed", 130],
      );
      assert.equal((await client.shell("echo $x", { id })).body.data.output, "wörld");
      assert.equal((await client.post("/v1/shell/write", { id, input: "x", press_enter: true })).status, 409);
    });

    it("that reads nothing refuses what its terminal cannot hold, and holds up nobody", async () => {
      const id = fresh();
      await client.shell("sleep 60", { id, async_mode: true });
      const write = client.post("/v1/shell/write", { id, input: "x\n".repeat(500_000), press_enter: false });
      assert.equal((await client.request("GET", "/v1/shell/sessions")).status, 200);
      const { status, body } = await write;
      assert.deepEqual([status, body.success], [409, false]);
      assert.match(body.message, /does not read its input: of 1000000 bytes the terminal took \d+$/);
      assert.equal((await client.post("/v1/shell/kill", { id })).status, 200);
      assert.equal((await client.shell("echo next", { id })).body.data.output, "next");
    });

    it("of the shell itself is interrupted too", async () => {
      const id = fresh();
      await client.shell("K=kept; while :; do :; done", { id, timeout: 0.1 });
      await client.post("/v1/shell/write", { id, input: "\u0003", press_enter: false });
      assert.equal(
        (await client.post<{ status: string }>("/v1/shell/wait", { id, seconds: 5 })).body.data.status,
        "completed",
      );
      assert.equal((await client.shell("echo $K", { id })).body.data.output, "kept");
    });

    it("is killed by kill; the session stays", async () => {
      const id = fresh();
      await client.shell("K=kept; sleep 60", { id, timeout: 0.1 });
      const killed = await client.post<{ status: string }>("/v1/shell/kill", { id });
      assert.equal(killed.body.data.status, "terminated");
      assert.equal((await client.shell("echo $K", { id })).body.data.output, "kept");
    });
  });

  describe("a process tree", () => {
    // A child that ignores signals, one in a session of its own, and a daemon forked twice.
    const stubborn = (file: string): string =>
      `bash -c 'trap "" INT TERM HUP; echo $BASHPID >> ${file}; while :; do sleep 0.1; done' & ` +
      `setsid bash -c 'echo $BASHPID >> ${file}; sleep 60' & ` +
      `(setsid bash -c '(trap "" HUP; echo $BASHPID >> ${file}; exec sleep 60) & exit' & exit); `;

    const pidsIn = async (file: string): Promise<string[]> => {
      const path = join(server.home, file);
      const read = (): string[] => {
        try {
          return readFileSync(path, "utf8").trim().split("\n");
        } catch {
          return [];
        }
      };
      await until(() => read().length === 3, "three processes have started");
      return read();
    };

    const allDead = async (pids: string[]): Promise<void> => {
      for (const pid of pids) await until(async () => !(await alive(client, pid)), `process ${pid} is dead`);
    };

    it("dies whole at the hard timeout, and the session keeps its state", async () => {
      const id = fresh();
      await client.shell("K=kept; sleep 60 & SPARED=$!", { id });
      const file = `${id}.pids`;
      const run = client.shell(`${stubborn(file)} bash -c 'trap "" INT; sleep 60; echo never'`, {
        id,
        hard_timeout: 1,
      });
      const pids = await pidsIn(file);
      const { data } = (await run).body;
      assert.deepEqual([data.status, data.exit_code], ["hard_timeout", null]);
      assert.doesNotMatch(data.output, /never|Stopped/);
      await allDead(pids);
      const after = (await client.shell("echo $K; kill -0 $SPARED && echo spared", { id })).body.data.output;
      assert.match(after, /kept\nspared/);
      await client.deleteSession(id);
    });

    it("dies whole with its session", async () => {
      const id = fresh();
      const file = `${id}.pids`;
      await client.shell(`${stubborn(file)} sleep 60`, { id, async_mode: true });
      const pids = await pidsIn(file);
      await client.deleteSession(id);
      await allDead(pids);
    });
  });

  describe("concurrency", () => {
    it("serialises the commands of one session", async () => {
      const id = fresh();
      const runs = Array.from({ length: 6 }, (_, i) =>
        client.shell(`echo ${i}a; sleep 0.05; echo ${i}b`, { id }),
      );
      for (const [i, run] of (await Promise.all(runs)).entries())
        assert.equal(run.body.data.output, `${i}a\n${i}b`);
    });

    it("runs different sessions side by side", async () => {
      const started = Date.now();
      const runs = await Promise.all(
        Array.from({ length: 6 }, () => client.shell("sleep 1; echo $$", { id: fresh() })),
      );
      assert.equal(Date.now() - started < 4000, true);
      assert.equal(new Set(runs.map((run) => run.body.data.output)).size, 6);
    });
  });

  it("refuses wrong requests with 422 that names every field", async () => {
    const issues = await client.issues("/v1/shell/exec", {
      exec_dir: "rel",
      id: "a/b",
      timeout: -1,
      truncate: "x",
    });
    assert.deepEqual(issues.map((issue) => issue.loc.join(".")).sort(), [
      "body.command",
      "body.exec_dir",
      "body.id",
      "body.timeout",
      "body.truncate",
    ]);
    assert.equal(issues.find((issue) => issue.loc[1] === "command")?.type, "missing");
    assert.equal((await client.issues("/v1/shell/exec", { command: "a\0b" })).length, 1);
    assert.equal((await client.issues("/v1/shell/write", { id: "x" })).length, 2);
  });
});
