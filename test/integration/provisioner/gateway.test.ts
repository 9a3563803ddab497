// Plays DeerFlow's gateway against the provisioner and a real cluster: create, discover, alive, list, destroy, and what agents do
// in a sandbox, through nothing but the URL that they were given.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";

import { gatewayBody } from "../../support/gateway-body.js";
import { SandboxClient } from "../../support/sandbox-client.js";
import { eventually } from "../support/cluster.js";
import { Stage } from "./stage.js";

interface Described {
  sandbox_id: string;
  sandbox_url: string;
  status: string;
}

const poolSize = 3;

describe("DeerFlow's gateway with the provisioner", function () {
  this.timeout(300_000);
  let stage: Stage;

  const create = async (id: string): Promise<Described> => {
    const { status, body: described } = await stage.call<Described>(
      "POST",
      "/api/sandboxes",
      gatewayBody(id),
    );
    assert.equal(status, 200, JSON.stringify(described));
    return described;
  };
  const sandboxOf = ({ sandbox_url: url }: Described): SandboxClient => new SandboxClient(url);

  before(async () => {
    stage = new Stage(`sandlot-provisioner-${process.pid}`);
    await stage.set(poolSize);
    await stage.start();
    await stage.full(poolSize);
  });

  after(() => stage.strike());

  it("creates, discovers, finds alive, lists and destroys", async () => {
    const id = "0123456789abcdef";
    const made = await create(id);
    assert.deepEqual(Object.keys(made).sort(), ["sandbox_id", "sandbox_url", "status"]);
    assert.equal(made.status, "Running");
    assert.deepEqual((await stage.call<Described>("GET", `/api/sandboxes/${id}`)).body, made);
    assert.deepEqual(await create(id), made);
    const { body: list } = await stage.call<{ sandboxes: Described[]; count: number }>(
      "GET",
      "/api/sandboxes",
    );
    assert.deepEqual(list, { sandboxes: [made], count: 1 });
    assert.deepEqual((await stage.call("GET", "/api/capabilities")).body, {
      lark_cli_init_image: false,
      lark_cli_broker_image: false,
    });
    assert.deepEqual((await stage.call("DELETE", `/api/sandboxes/${id}`)).body, { ok: true, sandbox_id: id });
    assert.equal((await stage.call("GET", `/api/sandboxes/${id}`)).status, 404);
    assert.deepEqual((await stage.call("DELETE", `/api/sandboxes/${id}`)).body, { ok: true, sandbox_id: id });
    await eventually("its pod is gone", async () =>
      (await stage.pods()).every(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] !== id),
    );
  });

  it("executes, writes, reads, finds, lists, greps and downloads by the sandbox's URL", async () => {
    const sandbox = sandboxOf(await create("tools"));
    assert.equal((await sandbox.context()).home_dir, "/home/sandbox");
    assert.equal((await sandbox.shell("echo $((6*7)); id -u")).body.data.output, "42\n1000");
    assert.equal(
      (
        await sandbox.bash("echo $WORD", { env: { WORD: "given" }, hard_timeout: 20 })
      ).body.data.stdout.trim(),
      "given",
    );
    const path = "/mnt/user-data/notes/a.txt";
    assert.ok((await sandbox.write(path, "one\ntwo\n")).body.success);
    assert.equal((await sandbox.read(path)).body.data.content, "one\ntwo\n");
    assert.deepEqual((await sandbox.find("/mnt/user-data", "*.txt")).body.data.files, [path]);
    assert.ok(
      (await sandbox.list("/mnt/user-data", { recursive: true, show_hidden: false })).body.data.files.some(
        (file) => file.path === path,
      ),
    );
    assert.equal((await sandbox.grep("/mnt/user-data", "tw")).body.data.matches[0]?.line_number, 2);
    assert.equal(await (await sandbox.download(path)).text(), "one\ntwo\n");
    await stage.call("DELETE", "/api/sandboxes/tools");
  });

  it("gives three sandboxes at once that see and reach nothing of each other", async () => {
    await stage.full(poolSize);
    const made = await Promise.all(["iso-1", "iso-2", "iso-3"].map(create));
    assert.equal(new Set(made.map(({ sandbox_url: url }) => url)).size, 3);
    await Promise.all(made.map((one) => sandboxOf(one).write("/home/sandbox/who", one.sandbox_id)));
    for (const one of made)
      assert.equal((await sandboxOf(one).read("/home/sandbox/who")).body.data.content, one.sandbox_id);
    const pods = await stage.pods();
    const address =
      pods.find(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] === "iso-2")?.status?.podIP ??
      "";
    assert.match(address, /^\d/);
    const first = sandboxOf(made[0] as Described);
    const reached = await first.bash(
      `curl -s -m 3 -o /dev/null -w '%{http_code}' http://${address}:8080/v1/sandbox`,
      { hard_timeout: 10 },
    );
    assert.equal(reached.body.data.stdout, "000");
    assert.equal(
      (await first.bash("test -e /var/run/secrets/kubernetes.io", { hard_timeout: 10 })).body.data.exit_code,
      1,
    );
    await Promise.all(made.map(({ sandbox_id: id }) => stage.call("DELETE", `/api/sandboxes/${id}`)));
  });

  it("hands env and secrets over to a warm sandbox of /v1, and asks for its token", async () => {
    await stage.full(poolSize);
    const { status, body: made } = await stage.call<{ url: string; token: string }>("POST", "/v1/sandboxes", {
      id: "secretive",
      env: { COLOUR: "green" },
      secrets: { API_TOKEN: "s3cret" },
    });
    assert.equal(status, 201, JSON.stringify(made));
    const headers = { "content-type": "application/json", "x-sandbox-token": made.token };
    const run = (given: Record<string, string>) =>
      fetch(`${made.url}/v1/bash/exec`, {
        method: "POST",
        headers: given,
        body: JSON.stringify({ command: "echo $COLOUR $API_TOKEN" }),
      });
    assert.equal((await run({ "content-type": "application/json" })).status, 401);
    const { data } = (await (await run(headers)).json()) as { data: { stdout: string } };
    assert.equal(data.stdout.trim(), "green s3cret");
    assert.ok(!JSON.stringify(await stage.pods()).includes("s3cret"));
    assert.equal((await stage.call("DELETE", "/v1/sandboxes/secretive")).status, 204);
  });

  it("loses no sandbox and leaks none when the provisioner is killed", async () => {
    await stage.full(poolSize);
    const made = await create("survivor");
    await stage.kill("SIGKILL");
    await stage.start();
    assert.deepEqual((await stage.call<Described>("GET", "/api/sandboxes/survivor")).body, made);
    assert.deepEqual(await create("survivor"), made);
    assert.equal((await sandboxOf(made).shell("echo here")).body.data.output, "here");
    await stage.full(poolSize);
    const pods = await stage.pods();
    assert.equal(
      pods.filter(({ metadata }) => metadata?.labels?.["sandlot.dev/state"] === "claimed").length,
      1,
    );
    assert.equal(pods.length, poolSize + 1);
    await stage.call("DELETE", "/api/sandboxes/survivor");
  });

  it("reaps what is over without anybody asking", async () => {
    await stage.full(poolSize);
    await stage.call("POST", "/v1/sandboxes", { id: "short", softTimeoutSeconds: 3 });
    assert.equal((await stage.call("GET", "/v1/sandboxes/short")).status, 200);
    await sleep(3_000);
    await eventually(
      "it is gone",
      async () => (await stage.call("GET", "/v1/sandboxes/short")).status === 404,
      15,
    );
  });

  it("ends no sandbox for idleness that is used by the URL that it was given, and ends it once it is not", async () => {
    await stage.full(poolSize);
    const { body: made } = await stage.call<{ url: string; token: string }>("POST", "/v1/sandboxes", {
      id: "busy",
      idleTimeoutSeconds: 10,
    });
    // Nothing of it comes by the provisioner, for longer than the timeout and all that is added to it.
    const answer = await fetch(`${made.url}/v1/bash/exec`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-sandbox-token": made.token },
      body: JSON.stringify({ command: "sleep 25; echo done", hard_timeout: 60 }),
    });
    const { data } = (await answer.json()) as { data: { stdout: string } };
    assert.equal(data.stdout.trim(), "done");
    const there = async (): Promise<boolean> =>
      (await stage.pods()).some(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] === "busy");
    assert.ok(await there());
    await eventually("it is gone", async () => !(await there()), 30);
  });

  it("makes a sandbox again whose pod does not go, as when its node is lost", async () => {
    // What no idle pod has, so that it is made in a pod that is named after it.
    const asked = { id: "lost", resources: { limits: { cpu: "900m" } } };
    const first = await stage.call<{ url: string }>("POST", "/v1/sandboxes", asked);
    assert.equal(first.status, 201, JSON.stringify(first.body));
    const hold = (finalizers: string[]) =>
      execa("docker", [
        ...[
          "exec",
          stage.site.node,
          "kubectl",
          "--namespace",
          stage.namespace,
          "patch",
          "pod",
          "sandbox-lost",
        ],
        ...["--type", "merge", "--patch", JSON.stringify({ metadata: { finalizers } })],
      ]);
    await hold(["sandlot.dev/test"]);
    try {
      assert.equal((await stage.call("DELETE", "/v1/sandboxes/lost")).status, 204);
      const again = async () => (await stage.call<{ url: string }>("POST", "/v1/sandboxes", asked)).status;
      await eventually("it is made again", async () => [200, 201].includes(await again()), 60);
      await eventually(
        "it runs",
        async () =>
          (await stage.call<{ state: string }>("GET", "/v1/sandboxes/lost")).body.state === "running",
        60,
      );
    } finally {
      await hold([]);
    }
    assert.equal((await stage.call("DELETE", "/v1/sandboxes/lost")).status, 204);
  });

  it("tells that a sandbox failed whose pod was killed, and makes another by POST", async () => {
    await stage.full(poolSize);
    const before = await create("victim");
    const pod = (await stage.pods()).find(
      ({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] === "victim",
    );
    await stage.core.deleteNamespacedPod({
      name: pod?.metadata?.name ?? "",
      namespace: stage.namespace,
      gracePeriodSeconds: 0,
    });
    await eventually(
      "its loss is seen",
      async () => (await stage.call("GET", "/api/sandboxes/victim")).status === 404,
    );
    const after = await create("victim");
    assert.equal(after.status, "Running");
    assert.notEqual(after.sandbox_url, before.sandbox_url);
    await stage.call("DELETE", "/api/sandboxes/victim");
  });

  it("serves twenty creates at once from a pool of three: each gets a sandbox of its own that answers", async () => {
    await stage.full(poolSize);
    const ids = Array.from({ length: 20 }, (_, at) => `burst-${at}`);
    const made = await Promise.all(ids.map(create));
    assert.equal(new Set(made.map(({ sandbox_url: url }) => url)).size, 20);
    await Promise.all(
      made.map(async (one) => {
        await eventually(
          `${one.sandbox_id} answers`,
          async () => (await fetch(`${one.sandbox_url}/v1/sandbox`)).ok,
          60,
        );
      }),
    );
    await Promise.all(ids.map((id) => stage.call("DELETE", `/api/sandboxes/${id}`)));
    await eventually("none is left", async () =>
      (await stage.pods()).every(({ metadata }) => metadata?.labels?.["sandlot.dev/state"] === "idle"),
    );
  });

  it("writes once for each claim, by the API server's own count", async () => {
    await stage.full(poolSize);
    const before = await stage.podWrites();
    for (let at = 0; at < poolSize; at += 1) await create(`count-${at}`);
    await sleep(500);
    const after = await stage.podWrites();
    assert.equal((after.get("PATCH") ?? 0) - (before.get("PATCH") ?? 0), poolSize);
    await Promise.all(
      Array.from({ length: poolSize }, (_, at) => stage.call("DELETE", `/api/sandboxes/count-${at}`)),
    );
  });
});
