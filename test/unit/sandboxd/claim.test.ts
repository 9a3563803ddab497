// The hand-over of a waiting sandbox: who may claim it, what it refuses before and after, and what reaches its commands.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SandboxClient } from "../../support/sandbox-client";
import { claim, claimHash, secret } from "./claimed";
import { type Server, startServer, until } from "./server";

const token = "the-token-of-this-sandbox-alone";

/** A client that shows a token. */
function owner(server: Server, shown: Record<string, string> = { "x-sandbox-token": token }): SandboxClient {
  return new SandboxClient(server.client.baseUrl, (url, init) =>
    fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), ...shown } }),
  );
}

describe("sandboxd: claim", function () {
  this.timeout(60_000);
  let server: Server;

  beforeEach(async () => {
    server = await startServer({ SANDBOXD_CLAIM_SHA256: claimHash, OWN: "image" });
  });
  afterEach(() => server.stop());

  const whole = {
    claim_id: "pod-1/claim-1",
    token,
    env: { PLAIN: "a b", OWN: "claim" },
    secrets: { KEY: "s3cr3t-value" },
  };

  it("answers probes and nothing else before it is claimed", async () => {
    const tokens: Record<string, string>[] = [
      {},
      { "x-sandbox-token": token },
      { authorization: `Bearer ${secret}` },
    ];
    for (const path of ["/readyz", "/livez"])
      assert.equal((await server.client.request("GET", path)).status, 200);
    for (const headers of tokens)
      for (const [method, path] of [
        ["GET", "/v1/sandbox"],
        ["POST", "/v1/bash/exec"],
        ["POST", "/v1/shell/exec"],
        ["GET", "/v1/activity"],
        ["GET", "/v1/file/download?path=/etc/passwd"],
        ["GET", "/nope"],
        ["GET", "/v1/claim/../sandbox"],
        ["GET", "//v1/claim"],
      ] as const) {
        const body = method === "POST" ? JSON.stringify({ command: "touch ran" }) : undefined;
        const response = await server.client.request(method, path, body, headers);
        const answer = (await response.json()) as { success: boolean; message: string };
        assert.deepEqual([response.status, answer.success], [409, false], path);
        assert.match(answer.message, /not claimed/);
      }
  });

  it("is claimed by its own secret only", async () => {
    for (const wrong of ["", "x", `${secret}x`, claimHash, token]) {
      const answer = await claim(server, whole, wrong);
      assert.equal(answer.status, 401);
    }
    const bare = await server.client.request("POST", "/v1/claim", JSON.stringify(whole));
    assert.deepEqual([bare.status, bare.headers.get("www-authenticate")], [401, "Bearer"]);
    assert.equal((await server.client.request("GET", "/v1/claim")).status, 401);
    assert.equal((await owner(server).request("GET", "/v1/sandbox")).status, 409);
  });

  it("gives variables and secrets to sessions and commands, with the owner's winning over the image's", async () => {
    const answer = await claim(server, whole);
    assert.deepEqual([answer.status, answer.body.data], [200, { claimed: true, claim_id: "pod-1/claim-1" }]);
    const client = owner(server);
    const command = 'echo "$PLAIN|$OWN|$KEY|${SANDBOXD_CLAIM_SHA256-none}"';
    assert.equal((await client.bash(command)).body.data.stdout, "a b|claim|s3cr3t-value|none\n");
    assert.equal((await client.shell(command)).body.data.output, "a b|claim|s3cr3t-value|none");
    const own = await client.bash('echo "$KEY"', { env: { KEY: "mine" } });
    assert.equal(own.body.data.stdout, "mine\n");
  });

  it("takes calls with its token only, in either header", async () => {
    await claim(server, whole);
    const attempts: [Record<string, string>, number][] = [
      [{ "x-sandbox-token": token }, 200],
      [{ authorization: `Bearer ${token}` }, 200],
      [{ authorization: `bearer ${token}` }, 200],
      [{}, 401],
      [{ "x-sandbox-token": `${token}x` }, 401],
      [{ "x-sandbox-token": token.slice(1) }, 401],
      [{ authorization: `Bearer ${secret}` }, 401],
      [{ authorization: `Basic ${token}` }, 401],
      [{ authorization: token }, 401],
      [{ "x-sandbox-token": "wrong-wrong-wrong", authorization: `Bearer ${token}` }, 401],
      [{ cookie: `token=${token}` }, 401],
    ];
    for (const [headers, status] of attempts) {
      const response = await server.client.request("GET", "/v1/sandbox", undefined, headers);
      assert.equal(response.status, status, JSON.stringify(headers));
    }
    for (const [method, path] of [
      ["POST", "/v1/bash/exec"],
      ["POST", "/v1/file/read"],
      ["GET", "/v1/activity"],
      ["GET", "/nope"],
    ] as const) {
      const response = await server.client.request(method, path, method === "POST" ? "{}" : undefined);
      assert.equal(response.status, 401, path);
    }
    assert.equal((await server.client.request("GET", "/readyz")).status, 200);
  });

  it("answers the same claim again and refuses any other, also with the right secret", async () => {
    assert.equal((await claim(server, whole)).status, 200);
    const { env, ...rest } = whole;
    const again = await claim(server, { env: { OWN: env.OWN, PLAIN: env.PLAIN }, ...rest });
    assert.deepEqual([again.status, again.body.data], [200, { claimed: true, claim_id: "pod-1/claim-1" }]);
    for (const other of [
      { ...whole, claim_id: "pod-1/claim-2" },
      { ...whole, token: `${token}2` },
      { ...whole, token: null },
      { ...whole, env: {} },
      { ...whole, secrets: { KEY: "other" } },
    ]) {
      const answer = await claim(server, other);
      assert.deepEqual([answer.status, answer.body.success], [409, false]);
    }
    assert.equal((await owner(server).bash("echo $KEY")).body.data.stdout, "s3cr3t-value\n");
  });

  it("lets one of many claims at once win", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        claim(server, { ...whole, claim_id: `c-${i}`, token: `${token}-${i}` }),
      ),
    );
    const statuses = answers.map((answer) => answer.status).sort();
    assert.deepEqual(statuses, [200, ...Array<number>(19).fill(409)]);
    const { data } = (await (
      await server.client.request("GET", "/v1/claim", undefined, { authorization: `Bearer ${secret}` })
    ).json()) as { data: { claimed: boolean; claim_id: string } };
    const winner = answers.findIndex((answer) => answer.status === 200);
    assert.deepEqual(data, { claimed: true, claim_id: `c-${winner}` });
    const client = owner(server, { "x-sandbox-token": `${token}-${winner}` });
    assert.equal((await client.request("GET", "/v1/sandbox")).status, 200);
  });

  it("opens to callers without a token when it is told so, and not when the token is forgotten", async () => {
    const { claim_id, env, secrets } = whole;
    const answer = await claim(server, { claim_id, env, secrets });
    assert.deepEqual([answer.status, answer.body.detail?.[0]?.loc], [422, ["body", "token"]]);
    assert.equal((await claim(server, { ...whole, token: null })).status, 200);
    assert.equal((await server.client.bash("echo $KEY")).body.data.stdout, "s3cr3t-value\n");
  });

  it("names what is wrong with a claim, never a value, and stays unclaimed", async () => {
    const value = "v".repeat(70_000);
    const cases: [unknown, string, RegExp][] = [
      [{ ...whole, claim_id: "" }, "claim_id", /1 to 256/],
      [{ ...whole, claim_id: 7 }, "claim_id", /string/],
      [{ ...whole, token: "short" }, "token", /16 to 512/],
      [{ ...whole, token: "not visible: \u00e9\u00e9\u00e9\u00e9" }, "token", /visible/],
      [{ ...whole, env: { "A-B": "1" } }, "env", /"A-B" is no name/],
      [{ ...whole, env: { SANDBOXD_ADDRESS: ":1" } }, "env", /SANDBOXD_ADDRESS.*own/],
      [{ ...whole, env: { KEY: "1" } }, "secrets", /"KEY" is in env and in secrets/],
      [{ ...whole, env: { A: 1 } }, "env", /object of strings/],
      [{ ...whole, env: { A: "x\0y" } }, "env", /NUL/],
      [{ ...whole, env: { A: value.repeat(2) } }, "env", /longer than/],
      [{ ...whole, env: { A: value, B: value, C: value, D: value } }, "env", /at most 256 variables/],
      [
        { ...whole, env: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`V${i}`, ""])) },
        "env",
        /at most 256/,
      ],
    ];
    for (const [fields, field, message] of cases) {
      const { status, body } = await claim(server, fields);
      assert.equal(status, 422);
      const issue = body.detail?.find(({ loc }) => loc[1] === field);
      assert.match(issue?.msg ?? "", message);
      assert.equal(JSON.stringify(body).includes("s3cr3t"), false);
    }
    assert.equal((await claim(server, { ...whole, env: { A: "x".repeat(1 << 20) } })).status, 413);
    assert.equal((await claim(server, "{nope")).status, 422);
    assert.equal((await claim(server, whole)).status, 200);
  });

  it("writes neither secret, token nor variables to its log", async () => {
    await claim(server, whole);
    await claim(server, { ...whole, claim_id: "other" });
    await claim(server, whole, "wrong-secret");
    await owner(server).bash("echo $KEY");
    await until(() => server.logs.length >= 5, "all is logged");
    for (const word of [secret, token, "s3cr3t", "a b", "wrong-secret"])
      assert.equal(
        server.logs.some((line) => line.includes(word)),
        false,
        word,
      );
  });

  it("keeps its memory and variables from code with the same user", async () => {
    // Root may read everything, so this one runs as somebody else where the tests run as root.
    const { buildSandboxd } = await import("../../../toolchain/sandbox-image/binary.js");
    const folder = mkdtempSync(join(tmpdir(), "sandboxd-private-"));
    chmodSync(folder, 0o755);
    copyFileSync(await buildSandboxd(), join(folder, "sandboxd"));
    const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const env = { SANDBOXD_HOME: "/tmp", SANDBOXD_ADDRESS: "127.0.0.1:0" };
    const child = spawn(join(folder, "sandboxd"), [], {
      ...account,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await once(child.stdout, "data");
      const read = (file: string): string =>
        spawnSync("cat", [`/proc/${String(child.pid)}/${file}`], { ...account, encoding: "utf8" }).stderr;
      assert.equal(read("status"), "");
      for (const file of ["environ", "mem", "maps"]) assert.match(read(file), /Permission denied/, file);
    } finally {
      child.kill();
      await once(child, "exit");
      rmSync(folder, { recursive: true });
    }
  });

  it("counts the claim and calls as activity, but no probe", async () => {
    await claim(server, whole);
    const client = owner(server);
    interface Activity {
      idle_seconds: number;
      last_active_at: string;
      running_commands: number;
      open_requests: number;
    }
    const activity = async (): Promise<Activity> =>
      ((await (await client.request("GET", "/v1/activity")).json()) as { data: Activity }).data;
    const start = await activity();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await client.request("GET", "/readyz");
    const later = await activity();
    assert.equal(later.last_active_at, start.last_active_at);
    assert.equal(later.idle_seconds >= 0.3 && later.idle_seconds < 5, true, String(later.idle_seconds));
    await client.bash("sleep 0.5", { async_mode: true });
    const busy = await activity();
    assert.deepEqual([busy.running_commands, busy.idle_seconds, busy.open_requests], [1, 0, 0]);
    await until(async () => (await activity()).running_commands === 0, "the command has ended");
    assert.equal((await activity()).last_active_at > later.last_active_at, true);
  });
});

describe("sandboxd: without a claim", function () {
  this.timeout(60_000);

  it("belongs to whoever reaches it and knows no claim", async () => {
    const server = await startServer();
    try {
      assert.equal((await server.client.request("GET", "/readyz")).status, 200);
      assert.equal((await server.client.bash("echo ok")).body.data.stdout, "ok\n");
      assert.equal((await claim(server, { claim_id: "a", token, env: {}, secrets: {} })).status, 404);
      assert.equal((await server.client.bash("echo ok")).body.data.stdout, "ok\n");
    } finally {
      await server.stop();
    }
  });
});
