// The sandbox API as an agent uses it: through the published port, in gVisor. The whole contract, case by case, is in
// test/unit/sandboxd, against the same server on this machine; here is what the container and gVisor could change.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";

import { SandboxClient } from "../../support/sandbox-client.js";
import { outputs, readySandboxes } from "../support/cluster.js";

const folder = "/mnt/user-data/api-test";

describe("sandbox API in gVisor", () => {
  let sandbox: SandboxClient;

  before(async () => {
    await readySandboxes(2);
    sandbox = new SandboxClient(outputs()["endpoint"] ?? "");
    await sandbox.bash(`rm -rf ${folder} && mkdir -p ${folder}`);
  });

  after(() => sandbox.bash(`rm -rf ${folder}`));

  it("GET /v1/sandbox describes the sandbox", async () => {
    const context = await sandbox.context();
    assert.equal(context.success, true);
    assert.equal(context.home_dir, "/home/sandbox");
    assert.ok(context.detail.runtime.python[0]?.ver.startsWith("3."));
    assert.ok(context.detail.runtime.nodejs[0]?.ver.includes("22."));
  });

  it("POST /v1/shell/exec keeps folder, variables and functions of a session", async () => {
    const id = randomUUID();
    await sandbox.shell("cd /tmp && export WORD='grüße 👋' && greet() { echo \"$WORD $1\"; }", { id });
    const { body } = await sandbox.shell("pwd; greet you; exit_code() { return 3; }; exit_code", { id });
    assert.equal(body.data.output, "/tmp\ngrüße 👋 you");
    assert.equal(body.data.exit_code, 3);
    await sandbox.deleteSession(id);
  });

  it("POST /v1/shell/exec gives commands a real terminal", async () => {
    const { body } = await sandbox.shell("tty >/dev/null && stty size >/dev/null && echo terminal");
    assert.equal(body.data.output, "terminal");
  });

  it("POST /v1/shell/exec: a session that is stuck is ended in time, and works again", async () => {
    const id = randomUUID();
    const { body } = await sandbox.shell("sleep 60", { id, hard_timeout: 1 });
    assert.equal(body.data.status, "hard_timeout");
    const next = await sandbox.shell("echo again", { id });
    assert.equal(next.body.data.output, "again");
    await sandbox.deleteSession(id);
  });

  it("POST /v1/shell/sessions/create and DELETE: sessions are apart, and ended ones are unknown", async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    for (const id of [one, two]) assert.equal((await sandbox.createSession({ id })).body.data.session_id, id);
    await sandbox.shell("X=one", { id: one });
    await sandbox.shell("X=two", { id: two });
    assert.equal((await sandbox.shell("echo $X", { id: one })).body.data.output, "one");
    assert.equal((await sandbox.deleteSession(one)).status, 200);
    const gone = await sandbox.view(one);
    assert.equal(gone.status, 404);
    assert.equal(gone.body.success, false);
    await sandbox.deleteSession(two);
  });

  it("eight sessions at once do not mix", async () => {
    const ids = Array.from({ length: 8 }, () => randomUUID());
    const replies = await Promise.all(
      ids.map((id) => sandbox.shell(`for i in 1 2 3; do echo ${id}; sleep 0.1; done`, { id })),
    );
    for (const [index, { body }] of replies.entries()) {
      assert.equal(body.data.output, Array(3).fill(ids[index]).join("\n"));
    }
    await Promise.all(ids.map((id) => sandbox.deleteSession(id)));
  });

  it("POST /v1/bash/exec keeps the streams apart and secrets to the one command", async () => {
    const { body } = await sandbox.bash('echo "$KEY"; echo problem >&2; exit 5', { env: { KEY: "s3cret" } });
    assert.deepEqual([body.data.stdout, body.data.stderr, body.data.exit_code], ["s3cret\n", "problem\n", 5]);
    const after = await sandbox.bash("env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'");
    assert.ok(!after.body.data.stdout.includes("s3cret"));
  });

  it("POST /v1/bash/exec ends whole process trees", async () => {
    const mark = `987${Date.now() % 100_000}`;
    const { body } = await sandbox.bash(`setsid sleep ${mark} & (sleep ${mark} &) ; sleep ${mark}`, {
      hard_timeout: 1,
    });
    assert.equal(body.data.status, "timed_out");
    const left = await sandbox.bash(`pgrep -fx 'sleep ${mark}' | wc -l`);
    assert.equal(left.body.data.stdout.trim(), "0");
  });

  it("POST /v1/bash/exec cuts large output in the middle", async () => {
    const { body } = await sandbox.bash("seq 1 200000", { max_output_length: 1000 });
    assert.ok(body.data.stdout.startsWith("1\n2\n") && body.data.stdout.trimEnd().endsWith("200000"));
    assert.ok(body.data.stdout.length < 1500);
  });

  it("POST /v1/file/write, read: text, parts of it, and what is missing", async () => {
    const file = `${folder}/text`;
    assert.equal((await sandbox.write(file, "eins\nzwei\ndreißig ☃\n")).body.success, true);
    assert.equal(
      (await sandbox.read(file, { start_line: 2, end_line: 3 })).body.data.content.trim(),
      "dreißig ☃",
    );
    const missing = await sandbox.read(`${folder}/none`);
    assert.equal(missing.status, 200);
    assert.equal(missing.body.success, false);
    assert.equal(missing.body.data.error_type, "not_found");
    const refused = await sandbox.write("/etc/x", "x");
    assert.equal(refused.body.success, false);
    assert.ok(["read_only_filesystem", "permission_denied"].includes(refused.body.data.error_type ?? ""));
  });

  it("POST /v1/file/write and GET /v1/file/download: a megabyte of anything comes back as it was", async () => {
    const bytes = randomBytes(1 << 20);
    const file = `${folder}/binary`;
    await sandbox.write(file, bytes.toString("base64"), { encoding: "base64" });
    const reply = await sandbox.download(file);
    assert.equal(reply.status, 200);
    assert.ok(Buffer.from(await reply.arrayBuffer()).equals(bytes));
    assert.equal((await sandbox.download(`${folder}/none`)).status, 404);
  });

  it("POST /v1/file/find, list, grep: find what is there", async () => {
    await sandbox.bash(
      `mkdir -p ${folder}/tree/deep && echo needle > ${folder}/tree/deep/a.py && echo hay > ${folder}/tree/b.txt`,
    );
    const found = await sandbox.find(`${folder}/tree`, "**/*.py");
    assert.deepEqual(found.body.data.files, [`${folder}/tree/deep/a.py`]);
    const listed = await sandbox.list(`${folder}/tree`, { recursive: true, show_hidden: false });
    assert.deepEqual(listed.body.data.files.map(({ path }) => path.slice(folder.length)).sort(), [
      "/tree/b.txt",
      "/tree/deep",
      "/tree/deep/a.py",
    ]);
    const matches = await sandbox.grep(`${folder}/tree`, "NEEDLE", {
      case_insensitive: true,
      fixed_strings: true,
      recursive: true,
    });
    assert.deepEqual(
      matches.body.data.matches.map(({ file, line_number, line_content }) => [
        file,
        line_number,
        line_content,
      ]),
      [[`${folder}/tree/deep/a.py`, 1, "needle"]],
    );
    assert.equal((await sandbox.find(`${folder}/none`, "*")).body.success, false);
  });

  for (const [path, body] of [
    ["/v1/shell/exec", {}],
    ["/v1/bash/exec", { command: 1 }],
    ["/v1/file/read", { file: 1 }],
    ["/v1/file/write", { file: "/tmp/x" }],
    ["/v1/file/find", { path: "/tmp" }],
    ["/v1/file/list", {}],
    ["/v1/file/grep", { path: "/tmp" }],
  ] as const) {
    it(`POST ${path} refuses a body that is not right, naming the field`, async () => {
      const [issue] = await sandbox.issues(path, body);
      assert.ok(issue, "it was accepted");
      assert.ok(issue.loc.includes("body"), JSON.stringify(issue));
      assert.ok(issue.msg !== "" && issue.type !== "");
    });
  }
});
