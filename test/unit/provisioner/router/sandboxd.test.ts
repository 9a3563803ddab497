// The whole way: a sandbox that is claimed with the provisioner's own secret and token, called through the router.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { Connections } from "../../../../provisioner/src/core/connections.js";
import { HandOverClient } from "../../../../provisioner/src/core/hand-over.js";
import { SandboxClient } from "../../../support/sandbox-client.js";
import { type Server, startServer } from "../../sandboxd/server.js";
import { type RunningRouter, sandbox, startRouter, tokens } from "./support.js";

describe("router: to sandboxd", function () {
  this.timeout(120_000);
  let router: RunningRouter;
  let server: Server;
  let client: SandboxClient;
  const podName = "warm-default-1";
  const secret = tokens.claimSecret({ podName });
  const one = sandbox({ id: "one" });

  before(async () => {
    router = await startRouter();
    server = await startServer({ SANDBOXD_CLAIM_SHA256: createHash("sha256").update(secret).digest("hex") });
    router.directory.put({ ...one, port: Number(new URL(server.client.baseUrl).port) });
    const body = JSON.stringify({
      claim_id: "c",
      token: tokens.access(one),
      env: { WHO: "owner" },
      secrets: {},
    });
    const claimed = await server.client.request("POST", "/v1/claim", body, {
      authorization: `Bearer ${secret}`,
    });
    assert.equal(claimed.status, 200);
    client = new SandboxClient(`${router.url}/sandboxes/one/t/${tokens.access(one)}`);
  });
  after(async () => {
    await router.stop();
    await server.stop();
  });

  it("answers an agent's calls as if it were called directly", async () => {
    assert.equal((await client.context()).home_dir, server.home);
    assert.equal((await client.bash('echo "$WHO"; exit 3')).body.data.exit_code, 3);
    assert.equal((await client.shell("cd /tmp && pwd", { id: "s" })).body.data.output, "/tmp");
    assert.equal((await client.shell("pwd", { id: "s" })).body.data.output, "/tmp");
    const content = "línea\n".repeat(50_000);
    assert.equal((await client.write(`${server.home}/f`, content)).body.success, true);
    assert.equal((await client.read(`${server.home}/f`)).body.data.content, content);
    assert.equal(await (await client.download(`${server.home}/f`)).text(), content);
    assert.equal((await client.download("/nope")).status, 404);
    assert.equal((await client.issues("/v1/bash/exec", {})).length, 1);
    const deleted = await client.deleteSession("s");
    assert.equal(deleted.status, 200);
  });

  it("tells the provisioner when it was used last, if that shows its token, and is not used by being asked", async () => {
    const asking = new HandOverClient(new Connections());
    const ask = (token?: string) =>
      asking.idleSeconds(server.client.baseUrl, token, AbortSignal.timeout(5_000));
    await client.bash("true");
    const first = await ask(tokens.access(one));
    const second = await ask(tokens.access(one));
    assert.ok(
      typeof first === "number" && typeof second === "number" && second >= first,
      `${String(first)} ${String(second)}`,
    );
    assert.equal(await ask(tokens.access(sandbox({ id: "two" }))), undefined);
    assert.equal(await ask(), undefined);
    await asking.close();
  });

  it("reaches a server that a user starts, which learns no token", async () => {
    const program =
      "import http.server\n" +
      "class H(http.server.BaseHTTPRequestHandler):\n" +
      "    def do_GET(self):\n" +
      "        body = repr((self.path, sorted(self.headers.items()))).encode()\n" +
      "        self.send_response(200); self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)\n" +
      "    def log_message(self, *a): pass\n" +
      "s = http.server.HTTPServer(('127.0.0.1', 0), H)\n" +
      "print(s.server_address[1], flush=True)\n" +
      "s.serve_forever()\n";
    await client.write(`${server.home}/server.py`, program);
    const started = (await client.bash("exec python3 server.py", { session_id: "w", async_mode: true })).body
      .data;
    const { data } = (
      await client.post<{ stdout: string }>("/v1/bash/output", { session_id: started.session_id, wait: true })
    ).body;
    const response = await client.request("GET", `/ports/${data.stdout.trim()}/page?x=1`);
    const text = await response.text();
    assert.match(text, /^\('\/page\?x=1'/);
    assert.equal(text.includes(tokens.access(one)), false);
    await client.post("/v1/bash/kill", { session_id: "w", signal: "SIGKILL" });
  });

  it("lets code in a sandbox call neither its own API nor the claim", async () => {
    const { port } = new URL(server.client.baseUrl);
    for (const [path, status] of [
      ["/v1/sandbox", "401"],
      ["/v1/bash/exec", "401"],
      ["/v1/claim", "401"],
    ] as const) {
      const command = `curl -s -o /dev/null -w '%{http_code}' -X POST -H 'content-type: application/json' -d '{"command":"id"}' http://127.0.0.1:${port}${path}`;
      assert.equal((await client.bash(command)).body.data.stdout, status, path);
    }
    const found = await client.bash(`env; cat /proc/$PPID/environ 2>/dev/null`);
    assert.equal(found.body.data.stdout.includes(tokens.access(one)), false);
    assert.equal(found.body.data.stdout.includes(secret), false);
  });
});
