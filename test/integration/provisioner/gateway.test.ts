// DeerFlow's gateway with the provisioner as a process outside a real cluster, its sandboxes on ports of the nodes; and what comes
// of sandboxes when the provisioner, their pods or their node die.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";

import { SandboxClient } from "../../support/sandbox-client.js";
import { eventually } from "../support/cluster.js";
import { createByGateway, itServesGateway, type Described } from "./gateway-play.js";
import { Stage } from "./stage.js";

const poolSize = 3;

describe("DeerFlow's gateway with the provisioner", function () {
  this.timeout(300_000);
  let stage: Stage;

  const create = (id: string): Promise<Described> => createByGateway(stage, id);
  const sandboxOf = ({ sandbox_url: url }: Described): SandboxClient => new SandboxClient(url);

  before(async () => {
    stage = new Stage(`sandlot-provisioner-${process.pid}`);
    await stage.set(poolSize);
    await stage.start();
    await stage.full(poolSize);
  });

  after(() => stage.strike());

  itServesGateway(() => ({
    call: (method, path, body) => stage.call(method, path, body),
    url: () => /^http:\/\/[\d.]+:3\d{4}$/,
    pods: async (id) =>
      (await stage.pods()).filter(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] === id),
    full: () => stage.full(poolSize),
    alone: true,
  }));

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

  for (const [what, work] of [
    ["is used by the URL that it was given", "sleep 25"],
    [
      "is kept so busy by its processes that its server gets little of the processor",
      "for n in 1 2 3 4 5 6 7 8; do timeout 25 sh -c 'while :; do :; done' & done; wait",
    ],
  ] as const)
    it(`ends no sandbox for idleness that ${what}, and ends it once it is not`, async () => {
      await stage.full(poolSize);
      const { body: made } = await stage.call<{ url: string; token: string }>("POST", "/v1/sandboxes", {
        id: "busy",
        idleTimeoutSeconds: 10,
      });
      // Nothing of it comes by the provisioner, for longer than the timeout and all that is added to it.
      const answer = await fetch(`${made.url}/v1/bash/exec`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sandbox-token": made.token },
        body: JSON.stringify({ command: `${work}; echo done`, hard_timeout: 60 }),
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
