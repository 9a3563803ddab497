// Two clusters behind one provisioner, for real: two namespaces of one cluster, each by a kubeconfig of its own, one of them by a
// way that is cut and mended.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { rankedSites } from "../../../provisioner/src/model/placement.js";
import { eventually } from "../support/cluster.js";
import { FaultyApi } from "./faulty-api.js";
import { kubeconfigPath, Stage } from "./stage.js";

interface Described {
  readonly id: string;
  readonly url: string;
  readonly token: string;
}

/** An id whose home is the given one of the two. */
function idOf(home: string, prefix: string): string {
  const sites = ["near", "far"].map((name) => ({ name, weight: 100 }));
  for (let i = 0; ; i += 1)
    if (rankedSites(`default/${prefix}-${i}`, sites)[0]?.name === home) return `${prefix}-${i}`;
}

describe("a provisioner of two clusters", function () {
  this.timeout(180_000);
  let near: Stage;
  let far: Stage;
  let folder: string;
  let file: string;
  let api: FaultyApi;

  const share = (more: object = {}): void => {
    const clusters = [
      { name: "near", kubeconfig: kubeconfigPath, namespace: near.namespace, nodeHost: near.nodeHost },
      { name: "far", kubeconfig: api.kubeconfig, namespace: far.namespace, nodeHost: far.nodeHost, ...more },
    ];
    writeFileSync(file, JSON.stringify({ version: 1, clusters }));
  };
  const create = (body: object) => near.call<Described>("POST", "/v1/sandboxes", body);
  const statusOf = async (id: string): Promise<number> =>
    (await near.call("GET", `/v1/sandboxes/${id}`)).status;
  const ready = async (): Promise<number | undefined> =>
    (await near.call<{ items: { pool: { ready: number } }[] }>("GET", "/v1/environments")).body.items[0]?.pool
      .ready;
  const idsIn = async (stage: Stage): Promise<string[]> =>
    (await stage.pods()).flatMap(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] ?? []);
  const works = async ({ url, token }: Described): Promise<void> => {
    const answer = await fetch(`${url}/v1/bash/exec`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-sandbox-token": token },
      body: JSON.stringify({ command: "echo $((6*7))" }),
    });
    const { data } = (await answer.json()) as { data: { stdout: string } };
    assert.equal(data.stdout.trim(), "42");
  };

  before(async () => {
    near = new Stage(`sandlot-near-${process.pid}`);
    far = new Stage(`sandlot-far-${process.pid}`);
    folder = mkdtempSync(join(tmpdir(), "sandlot-clusters-"));
    file = join(folder, "clusters.json");
    api = new FaultyApi();
    await Promise.all([api.start(), near.set(1), far.set(1)]);
    share();
    await near.start({
      CLUSTERS_FILE: file,
      CLUSTER_LOST_SECONDS: "1",
      API_PATIENCE_SECONDS: "2",
    });
    await eventually("an idle pod in each", async () => (await ready()) === 2, 90);
  });

  after(async () => {
    await near.strike();
    await far.strike();
    api.stop();
    rmSync(folder, { recursive: true });
  });

  const [inNear, inFar] = [idOf("near", "two"), idOf("far", "two")];

  it("makes each sandbox in its home, and leads to it", async () => {
    for (const id of [inNear, inFar]) {
      const { status, body } = await create({ id });
      assert.equal(status, 201, JSON.stringify(body));
      await works(body);
    }
    assert.deepEqual([await idsIn(near), await idsIn(far)], [[inNear], [inFar]]);
  });

  it("says of a lost cluster that it is not known, makes what is new elsewhere, and finds all again", async () => {
    api.goDark();
    await eventually("the cluster is lost", async () => (await statusOf(inFar)) === 503, 30);
    assert.equal(await statusOf("never-was"), 503);
    assert.equal((await create({ id: inFar })).status, 503);
    assert.equal((await create({ id: idOf("far", "new") })).status, 503);
    const { status, body } = await create({});
    assert.equal(status, 201, JSON.stringify(body));
    await works(body);
    assert.ok((await idsIn(near)).includes(body.id));
    assert.equal(await statusOf(inNear), 200);
    api.heal();
    await eventually("the cluster is back", async () => (await statusOf(inFar)) === 200, 40);
    const again = await create({ id: inFar });
    assert.equal(again.status, 200);
    await works(again.body);
    assert.deepEqual(await idsIn(far), [inFar]);
    assert.equal(await statusOf("never-was"), 404);
  });

  it("drains a cluster without a start", async () => {
    share({ drain: true });
    const idle = async (): Promise<number> =>
      (await far.pods()).filter(({ metadata }) => metadata?.labels?.["sandlot.dev/state"] === "idle").length;
    await eventually("the pool is empty", async () => (await idle()) === 0, 30);
    const id = idOf("far", "drained");
    assert.equal((await create({ id })).status, 201);
    assert.ok((await idsIn(near)).includes(id));
    assert.equal(await statusOf(inFar), 200);
  });
});
