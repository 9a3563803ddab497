// The bash that waits for the first session: it is that session's, knows what came after it was started, and makes way where a
// fresh one would be another.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { SandboxClient } from "../../support/sandbox-client";
import { claim, claimHash } from "./claimed";
import { type Server, startServer, until } from "./server";

/** Of the toolchain, which is ESM; these tests are CommonJS. */
let isAlive: (pid: number) => boolean;

/** A file of /proc; empty if the process has gone. */
function proc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** The server's children, zombies not among them. */
function children({ child }: Server): string[] {
  const server = String(child.pid);
  return readdirSync(`/proc/${server}/task`)
    .flatMap((task) => proc(server, `task/${task}/children`).split(" "))
    .filter((pid) => pid !== "" && isAlive(Number(pid)));
}

/** The bash that waits, once it is one: before it has run its program it is a copy of the server. */
async function waiting(server: Server): Promise<string> {
  const shells = (): string[] => children(server).filter((pid) => proc(pid, "comm") === "bash\n");
  await until(() => shells().length > 0, "a bash waits");
  const [pid = "", ...others] = shells();
  assert.deepEqual(others, []);
  return pid;
}

async function claimed(server: Server, env: Record<string, string>): Promise<SandboxClient> {
  const { status } = await claim(server, { claim_id: "one", token: null, env, secrets: { KEY: "s3cr3t" } });
  assert.equal(status, 200);
  return server.client;
}

describe("sandboxd: the prepared shell", function () {
  this.timeout(60_000);
  let server: Server;
  const started = async (env: Record<string, string> = {}): Promise<string> => {
    server = await startServer(env);
    return waiting(server);
  };
  before(async () => {
    ({ isAlive } = await import("../../../toolchain/processes.js"));
  });
  afterEach(() => server.stop());

  it("is the first session's, whichever that is, and no other's", async () => {
    const pid = await started();
    const output = async (fields: { id?: string }): Promise<string> =>
      (await server.client.shell("echo $$ $PWD", fields)).body.data.output;
    assert.equal(await output({ id: "first" }), `${pid} ${server.home}`);
    assert.equal(await output({ id: "first" }), `${pid} ${server.home}`);
    assert.notEqual((await output({})).split(" ")[0], pid);
  });

  it("waits on where the first session begins elsewhere", async () => {
    const pid = await started();
    const folder = join(server.home, "elsewhere");
    mkdirSync(folder);
    await server.client.createSession({ id: "elsewhere", exec_dir: folder });
    const at = await server.client.shell("echo $$ $PWD", { id: "elsewhere" });
    assert.match(at.body.data.output, new RegExp(`^(?!${pid} )[0-9]+ ${folder}$`));
    assert.equal((await server.client.shell("echo $$")).body.data.output, pid);
  });

  it("is told its owner's variables, whatever is in them, and exports them as they are", async () => {
    const pid = await started({ SANDBOXD_CLAIM_SHA256: claimHash, OWN: "image" });
    const env = {
      ...{
        OWN: "claim",
        folder: "a folder",
        status: "7",
        word: "a word",
        EMPTY: "",
        LARGE: "x".repeat(100_000),
      },
      ODD: "$(touch made) `touch made` ' \" \\ \n\t* ü {a,b} -n ; exit 3",
    };
    const client = await claimed(server, env);
    const names = [...Object.keys(env), "KEY"];
    const { output } = (
      await client.shell(`echo $$ $?; for n in ${names.join(" ")}; do printenv $n; done; ls`, {
        truncate: false,
      })
    ).body.data;
    assert.equal(output, [`${pid} 0`, ...Object.values(env), "s3cr3t"].join("\n"));
    const second = await client.shell("echo $$ $word; word=changed; printenv word");
    assert.equal(second.body.data.output, `${pid} a word\nchanged`);
    const { stdout } = (await client.bash(`tr '\\0' '\\n' </proc/${pid}/environ`)).body.data;
    assert.doesNotMatch(stdout, /s3cr3t|a folder/);
  });

  for (const [what, env] of Object.entries<Record<string, string>>({
    "bash makes something of when it starts": { SHELLOPTS: "noglob" },
    "bash does not take from its environment": { IFS: "," },
    "bash sets itself": { PWD: "/tmp", SHLVL: "7" },
  }))
    it(`makes way for a fresh one where a variable is one that ${what}`, async () => {
      const pid = await started({ SANDBOXD_CLAIM_SHA256: claimHash });
      const client = await claimed(server, env);
      const names = Object.keys(env);
      const command = `echo $$; printenv ${names.join(" ")}; echo ${names.map((name) => `"\${${name}@A}"`).join(" ")}`;
      const seen = async (id: string): Promise<string[]> =>
        (await client.shell(command, { id })).body.data.output.split("\n");
      const [own, ...first] = await seen("first");
      const [, ...second] = await seen("second");
      assert.notEqual(own, pid);
      assert.deepEqual(first, second);
      await until(() => !isAlive(Number(pid)), "the one that waited has ended");
    });

  it("makes way where somebody has written a start-up file meanwhile", async () => {
    const pid = await started();
    writeFileSync(join(server.home, ".bashrc"), "RC=loaded-$$\n");
    const { output } = (await server.client.shell("echo $RC $$")).body.data;
    assert.match(output, /^loaded-([0-9]+) \1$/);
    assert.notEqual(output.split(" ")[1], pid);
  });

  it("is replaced where it died", async () => {
    const pid = await started();
    process.kill(Number(pid), "SIGKILL");
    await until(() => !isAlive(Number(pid)), "it is gone");
    assert.equal((await server.client.shell("echo on")).body.data.output, "on");
  });

  it("is no session, and no command, until somebody has it", async () => {
    await started();
    const data = async (path: string): Promise<unknown> =>
      ((await (await server.client.request("GET", path)).json()) as { data: unknown }).data;
    assert.deepEqual(await data("/v1/shell/sessions"), { sessions: {} });
    assert.equal(((await data("/v1/activity")) as { running_commands: number }).running_commands, 0);
  });

  it("ends with its server", async () => {
    const pid = await started({ SANDBOXD_GRACE_SECONDS: "30" });
    server.child.kill("SIGTERM");
    await until(() => !isAlive(Number(pid)), "the bash has ended, without the grace that commands have");
  });
});
