// What the stack lives through: the node restarted, its container deleted by hand, an update cut off.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";

import { addEnvironment, Deployed } from "../provisioner/deployed.js";
import {
  cluster,
  eventually,
  execIn,
  mustMake,
  nameOf,
  namespace,
  node,
  outputs,
  outsideMake,
  projectRoot,
  readySandboxes,
  stack,
} from "../support/cluster.js";
import { FaultTable } from "../support/fault-table.js";
import { asking, runIn, type OwnedSandbox } from "./restarted.js";

describe("a restart of the node's container", function () {
  this.timeout(300_000);
  const environment = "restarted";
  const survived = new FaultTable();
  let provisioner: Deployed;
  let removeEnvironment: () => Promise<unknown>;
  let sandboxes: OwnedSandbox[];
  let client: ReturnType<typeof asking>;
  let restarted: number;

  const create = (id: string) => provisioner.call<OwnedSandbox>("POST", "/v1/sandboxes", { id, environment });
  const get = (id: string) => provisioner.call<OwnedSandbox>("GET", `/v1/sandboxes/${id}`);
  /** Pods of the environment, by the sandbox that they are; idle ones by nothing. */
  const pods = async (): Promise<string[]> => {
    const labelSelector = `sandlot.dev/environment=${environment}`;
    const { items } = await cluster().core.listNamespacedPod({ namespace, labelSelector });
    return items
      .filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] ?? "")
      .sort();
  };
  const poolIsFull = async (): Promise<boolean> => {
    type Pools = { items: { name: string; pool: { ready: number } }[] };
    const { body } = await provisioner.call<Pools>("GET", "/v1/environments");
    return body.items.find(({ name }) => name === environment)?.pool.ready === 1;
  };

  before(
    "sandboxes of the provisioner, and a client that asks for them while the node restarts",
    async () => {
      provisioner = await Deployed.find();
      removeEnvironment = await addEnvironment(environment, { pool: { size: 1 } });
      await eventually("its pool is full", poolIsFull);
      sandboxes = [];
      // The one from the pool, the other cold, as the pool has but one.
      for (const id of ["restarted-1", "restarted-2"]) {
        const { status, body } = await create(id);
        assert.equal(status, 201, JSON.stringify(body));
        assert.deepEqual(await runIn(body, "echo here"), { status: 200, stdout: "here" });
        sandboxes.push(body);
      }
      await eventually("its pool is full again", poolIsFull);
      client = asking(provisioner, sandboxes);
      restarted = performance.now();
      await execa("docker", ["restart", node]);
    },
  );

  after(async () => {
    survived.print();
    await client.stop();
    for (const { id } of sandboxes) await provisioner.call("DELETE", `/v1/sandboxes/${id}`);
    await removeEnvironment();
  });

  it("leaves the provisioner's sandboxes where they are known to be over, its pool full, and its clients told the truth", () =>
    survived.row(
      "the node restarts under the deployed provisioner",
      "no answer or a true one meanwhile, never 404; then failed is said, and the pool is full",
      async () => {
        for (const { id } of sandboxes) {
          const { body } = await eventually(
            `it is told what became of ${id}`,
            async () => {
              const answer = await get(id);
              return answer.status === 200 && answer.body.state === "failed" && answer;
            },
            120,
          );
          assert.ok(body.reason !== undefined, "the reason is told");
        }
        const known = (performance.now() - restarted) / 1000;
        await eventually("its pool is full", poolIsFull, 90);
        const full = (performance.now() - restarted) / 1000;
        const told = await client.stop();
        console.log(
          `      after the restart, what became of sandboxes was told within ${known.toFixed(1)} s, the pool full ` +
            `within ${full.toFixed(1)} s; answers meanwhile: ${JSON.stringify(told)}`,
        );
        assert.ok((told["asked for 200"] ?? 0) > 0, "it was asked");
        const untruths = Object.keys(told).filter((key) => !/ (200|410|502|503|504|none)$/.test(key));
        assert.deepEqual(
          untruths,
          [],
          "a sandbox that was not deleted is not absent, and its owner not a stranger",
        );
        for (const { id } of sandboxes) {
          const { status, body } = await create(id);
          assert.equal(status, 201, JSON.stringify(body));
          assert.deepEqual(await runIn(body, "echo again"), { status: 200, stdout: "again" });
        }
        await eventually("a full pool and nothing else", async () => {
          const found = JSON.stringify(await pods());
          return found === JSON.stringify(["", ...sandboxes.map(({ id }) => id)]) && (await poolIsFull());
        });
      },
    ));

  it("brings the shared sandboxes back", async () => {
    // Until the kubelet has looked at them, pods are said to be as they were before.
    const { endpoint = "" } = outputs();
    // A connection that was made before the node has its rules again gets no answer, ever: each try has a limit.
    const answers = async (): Promise<boolean> =>
      (await fetch(`${endpoint}/v1/sandbox`, { signal: AbortSignal.timeout(3_000) })).ok;
    await eventually("an answer", answers, 90);
    await eventually(
      "code run in both",
      async () => {
        const pods = await readySandboxes(2);
        const replies = await Promise.all(pods.map((pod) => execIn(nameOf(pod), "echo back")));
        return replies.every(({ stdout }) => stdout === "back\n");
      },
      120,
    );
  });
});

describe("disruption", function () {
  this.timeout(600_000);

  it("makes the node anew when its container was deleted by hand", async () => {
    await execa("docker", ["rm", "--force", "--volumes", node]);
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
  });

  it("starts a node that was stopped by hand", async () => {
    await execa("docker", ["stop", node]);
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
  });

  it("goes on after an update that was killed half-way", async () => {
    await mustMake("down");
    await killedUpdate();
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
    await readySandboxes(2);
  });

  it("is taken down after an update that was killed half-way, and comes up again", async () => {
    await mustMake("down");
    await killedUpdate();
    await mustMake("down");
    for (const kind of ["container", "network"])
      assert.ok((await execa("docker", [kind, "inspect", node], { reject: false })).failed, kind);
    await mustMake("up");
    await readySandboxes(2);
  });
});

/** Starts `make up` and kills it as soon as the container is there: the engine cannot have noted it yet, or just so. */
async function killedUpdate(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sandlot-killed-"));
  // To a file: a pipe would end with its reader, and what it said is needed where it ends too early.
  const said = join(folder, "output");
  const file = openSync(said, "w");
  const update = spawn("make", ["up", `STACK=${stack}`], {
    cwd: projectRoot,
    detached: true,
    stdio: ["ignore", file, file],
    env: { ...process.env, ...outsideMake },
  });
  closeSync(file);
  for (let seen = false; !seen; ) {
    await sleep(50);
    seen = !(await execa("docker", ["container", "inspect", node], { reject: false })).failed;
    assert.equal(
      update.exitCode,
      null,
      `make up ended before it could be killed:\n${readFileSync(said, "utf8")}`,
    );
  }
  rmSync(folder, { recursive: true });
  assert.ok(update.pid);
  process.kill(-update.pid, "SIGKILL");
}
