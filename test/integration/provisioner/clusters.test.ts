// Two clusters behind one provisioner: that of the stack and a second node of its own, which is frozen, killed and started again.
// The provisioner is a container of the stack's image, and sandboxes of both clusters are reached through its router.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { rankedSites } from "../../../provisioner/src/model/placement.js";
import { eventually } from "../support/cluster.js";
import { FaultTable } from "../support/fault-table.js";
import { ProvisionerContainer } from "./container.js";
import { SecondCluster, withServer } from "./second-cluster.js";
import { kubeconfigPath, Stage, type Answer } from "./stage.js";

interface Described {
  readonly id: string;
  readonly url: string;
  readonly token: string;
  readonly state: string;
  readonly reason?: string;
}

/** An id whose home is the given one of the two. */
function idOf(home: string, prefix: string): string {
  const sites = ["near", "far"].map((name) => ({ name, weight: 100 }));
  for (let i = 0; ; i += 1)
    if (rankedSites(`default/${prefix}-${i}`, sites)[0]?.name === home) return `${prefix}-${i}`;
}

describe("a provisioner of two clusters", function () {
  this.timeout(240_000);
  let second: SecondCluster | undefined;
  let near: Stage;
  let far: Stage;
  let folder: string;
  let provisioner: ProvisionerContainer | undefined;
  const survived = new FaultTable();

  const share = (more: { near?: object; far?: object } = {}): void => {
    const entry = (name: string, { namespace }: Stage): object => ({
      ...{ name, namespace, kubeconfig: `${name}.kubeconfig` },
    });
    const clusters = [
      { ...entry("near", near), ...more.near },
      { ...entry("far", far), ...more.far },
    ];
    writeFileSync(join(folder, "clusters.json"), JSON.stringify({ version: 1, clusters }));
  };
  const call = <T>(method: string, path: string, body?: object): Promise<Answer<T>> => {
    assert.ok(provisioner !== undefined);
    return provisioner.call<T>(method, path, body);
  };
  const create = (body: object) => call<Described>("POST", "/v1/sandboxes", body);
  const get = (id: string) => call<Described>("GET", `/v1/sandboxes/${id}`);
  const remove = (id: string) => call("DELETE", `/v1/sandboxes/${id}`);
  const statusOf = async (id: string): Promise<number> => (await get(id)).status;
  const ready = async (): Promise<number | undefined> =>
    (await call<{ items: { pool: { ready: number } }[] }>("GET", "/v1/environments")).body.items[0]?.pool
      .ready;
  const idsIn = async (stage: Stage): Promise<string[]> =>
    (await stage.pods()).flatMap(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] ?? []).sort();
  const idleIn = async (stage: Stage): Promise<number> =>
    (await stage.pods()).filter(({ metadata }) => metadata?.labels?.["sandlot.dev/state"] === "idle").length;

  /** What comes of a command, through the router. */
  const run = async ({ url, token }: Described): Promise<{ status: number; said: string | undefined }> => {
    const answer = await fetch(`${url}/v1/bash/exec`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-sandbox-token": token },
      body: JSON.stringify({ command: "echo $((6*7))" }),
      signal: AbortSignal.timeout(20_000),
    });
    const body = (await answer.json().catch(() => ({}))) as { data?: { stdout: string }; detail?: string };
    return { status: answer.status, said: body.data?.stdout.trim() ?? body.detail };
  };
  const works = async (sandbox: Described): Promise<void> => {
    assert.deepEqual(await run(sandbox), { status: 200, said: "42" });
  };
  const made = async (body: object): Promise<Described> => {
    const { status, body: sandbox } = await create(body);
    assert.equal(status, 201, JSON.stringify(sandbox));
    await works(sandbox);
    return sandbox;
  };

  before(async () => {
    second = await SecondCluster.start();
    near = new Stage(`sandlot-near-${process.pid}`);
    far = new Stage(`sandlot-far-${process.pid}`, second);
    folder = mkdtempSync(join(tmpdir(), "sandlot-clusters-"));
    chmodSync(folder, 0o755);
    await Promise.all([near.set(1, { containers: true }), far.set(1, { containers: true })]);
    const nearConfig = withServer(readFileSync(kubeconfigPath, "utf8"), `https://${near.nodeHost}:6443`);
    writeFileSync(join(folder, "near.kubeconfig"), nearConfig);
    writeFileSync(join(folder, "far.kubeconfig"), readFileSync(second.kubeconfig));
    share();
    const ways = [
      { node: near.site.node, pods: "10.42.0.0/16" },
      { node: second.node, pods: second.pods },
    ];
    provisioner = await ProvisionerContainer.start(ways, folder, {
      ...{ CLUSTERS_FILE: "/clusters/clusters.json", SANDBOX_SERVICE_TYPE: "Router" },
      ...{ CLUSTER_LOST_SECONDS: "1", API_PATIENCE_SECONDS: "2" },
    });
    await eventually("an idle pod in each", async () => (await ready()) === 2, 90);
  });

  after(async () => {
    survived.print();
    await provisioner?.remove();
    await near.strike();
    await second?.remove();
    rmSync(folder, { recursive: true });
  });

  const [inNear, inFar] = [idOf("near", "two"), idOf("far", "two")];
  let sandboxes: Described[];

  it("makes each sandbox in its home, and leads to it", async () => {
    sandboxes = [await made({ id: inNear }), await made({ id: inFar })];
    assert.deepEqual([await idsIn(near), await idsIn(far)], [[inNear], [inFar]]);
  });

  it("gives new sandboxes to clusters by their weights, which change without a start", async () => {
    for (const [name, other, stage] of [
      ["near", "far", near],
      ["far", "near", far],
    ] as const) {
      share({ [other]: { weight: 0 } });
      const id = idOf(other, `by-weight-${name}`);
      // The file is looked at every two seconds; until then it goes to its old home.
      await eventually(`what was the other's goes to ${name}`, async () => {
        await made({ id });
        const there = (await idsIn(stage)).includes(id);
        await remove(id);
        return there;
      });
      await eventually("an idle pod in each", async () => (await ready()) === 2);
    }
    share();
  });

  /** What holds while the second cluster is lost. */
  async function othersServe(): Promise<void> {
    await eventually("the cluster is lost", async () => (await statusOf(inFar)) === 503, 40);
    assert.equal(await statusOf("never-was"), 503, "what cannot be asked is not absent");
    assert.equal((await call("GET", "/v1/sandboxes")).status, 200);
    assert.equal((await create({ id: inFar })).status, 503);
    assert.equal((await remove(inFar)).status, 503);
    assert.equal((await create({ id: idOf("far", "new") })).status, 503);
    const [, lost] = sandboxes as [Described, Described];
    assert.equal((await run(lost)).status, 503);
    const elsewhere = await made({});
    assert.ok((await idsIn(near)).includes(elsewhere.id));
    await remove(elsewhere.id);
    await works(sandboxes[0] as Described);
  }

  it("a cluster that no longer answers: its sandboxes are unknown, new ones are made elsewhere, all are found again", () =>
    survived.row(
      "a cluster that freezes, and thaws",
      "503 for its sandboxes, others go on; all are found again",
      async () => {
        await second?.freeze();
        await othersServe();
        await second?.thaw();
        await eventually("the cluster is back", async () => (await statusOf(inFar)) === 200, 60);
        assert.deepEqual(await idsIn(far), [inFar]);
        const again = await create({ id: inFar });
        assert.equal(again.status, 200, "it is the one that was there");
        // Its clock was stopped as well: what runs in the second in which that is made up for finds its time over.
        await eventually("it works", async () => (await run(again.body)).said === "42", 5);
        await eventually("it is known what is not there", async () => (await statusOf("never-was")) === 404);
        await eventually("an idle pod in each", async () => (await ready()) === 2, 60);
      },
    ));

  it("a cluster whose machine fails: its sandboxes are told as failed once it is back, and are made anew", () =>
    survived.row(
      "a cluster whose machine is killed, and starts again",
      "503 meanwhile; then failed is said, and the pool is refilled",
      async () => {
        await second?.crash();
        await othersServe();
        await second?.restart();
        const { body } = await eventually(
          "it is told what became of it",
          async () => {
            const answer = await get(inFar);
            assert.notEqual(answer.status, 404, "its pod is there");
            return answer.status === 200 && answer.body.state === "failed" && answer;
          },
          90,
        );
        assert.ok(body.reason !== undefined, "the reason is told");
        await eventually("an idle pod in each", async () => (await ready()) === 2, 90);
        sandboxes[1] = await made({ id: inFar });
        await eventually("nothing is left over", async () => {
          const [ids, idle] = [await idsIn(far), await idleIn(far)];
          return JSON.stringify(ids) === JSON.stringify([inFar]) && idle === 1;
        });
      },
    ));

  it("drains a cluster without a start", async () => {
    share({ far: { drain: true } });
    await eventually("the pool is empty", async () => (await idleIn(far)) === 0, 30);
    const { id } = await made({ id: idOf("far", "drained") });
    assert.ok((await idsIn(near)).includes(id));
    await works(sandboxes[1] as Described);
    share();
    await eventually("its pool is back", async () => (await idleIn(far)) === 1, 60);
  });
});
