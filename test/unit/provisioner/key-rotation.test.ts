// The signing key is rotated: what was made with the old one goes on, and replicas that do not know a key leave its pods alone.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Tokens } from "../../../provisioner/src/core/tokens.js";
import { environment, eventually, house, type House, type Replica } from "./house.js";

const [oldKey, newKey] = ["a".repeat(64), "b".repeat(64)];

describe("a rotation of the signing key", () => {
  let home: House;
  let folder: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-key-"));
    home = await house();
    home.cluster.put("configmaps", environment("default", 2));
  });
  afterEach(async () => {
    await home.end();
    rmSync(folder, { recursive: true });
  });

  const start = (...lines: string[]): Promise<Replica> => {
    const file = join(folder, `${lines.map(([first]) => first).join("")}.key`);
    writeFileSync(file, lines.join("\n"));
    return home.start({ SIGNING_KEY_FILE: file });
  };
  const sees = (replica: Replica, count: number): Promise<void> =>
    eventually("the pool is full and seen", async () => {
      const { items } = (await replica.call("GET", "/v1/environments")).json<{
        items: { pool: { ready: number } }[];
      }>();
      return items[0]?.pool.ready === count;
    });
  const create = async (replica: Replica, id: string) => {
    const answer = await replica.call("POST", "/v1/sandboxes", { id, env: { A: id } });
    return { status: answer.statusCode, token: answer.json<{ token: string }>().token };
  };
  const idle = (): string[] =>
    home.cluster
      .livePods()
      .filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "idle")
      .map(({ metadata }) => metadata.name);

  it("keeps sandboxes, their tokens, their repeated creates and the pool", async () => {
    const old = await start(oldKey);
    await sees(old, 2);
    const before = await create(old, "before");
    await sees(old, 2);
    const pool = idle();
    await old.provisioner.stop();

    const rotated = await start(newKey, oldKey);
    await sees(rotated, 2);
    assert.deepEqual(await create(rotated, "before"), { status: 200, token: before.token });
    assert.equal(
      (await rotated.call("GET", "/v1/sandboxes/before")).json<{ token: string }>().token,
      before.token,
    );
    const routed = await rotated.call("GET", `/sandboxes/before/t/${before.token}/v1/sandbox`);
    assert.equal(routed.statusCode, 200);
    const hands = home.sandbox.claims.length;
    const claimed = await create(rotated, "after");
    assert.equal(claimed.status, 201);
    const pod = home.cluster
      .pods()
      .find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === "after");
    assert.ok(pool.includes(pod?.metadata.name ?? ""), "an idle pod of the old key is as good as any");
    assert.equal(home.sandbox.claims.length, hands + 1);
    const secret = new Tokens(Buffer.from(oldKey)).claimSecret({ podName: pod?.metadata.name ?? "" });
    assert.equal(home.sandbox.claims.at(-1)?.secret, `Bearer ${secret}`);
    assert.equal(home.cluster.count("DELETE", "/pods/"), 0);
    await sees(rotated, 2);
    await rotated.provisioner.stop();

    // Whatever the old key made is of no use without it: what is idle is replaced, by the one who leads.
    const after = await start(newKey);
    const left = pool.filter((name) => name !== pod?.metadata.name);
    await eventually("those of the old key are replaced", () => !idle().some((name) => left.includes(name)));
    await sees(after, 2);
    assert.equal((await create(after, "last")).status, 201);
  });

  it("costs no pod while replicas have different keys", async () => {
    const leader = await start(newKey, oldKey);
    await sees(leader, 2);
    const other = await start(oldKey);
    // Those that are there are of no use to it.
    await sees(other, 0);
    // It makes one of its own, as it cannot hand over those of a key that it does not have.
    assert.equal((await create(other, "a")).status, 201);
    assert.equal(home.cluster.count("DELETE", "/pods/"), 0);
    assert.equal(home.cluster.count("PATCH", "/pods/"), 0);
    assert.equal((await create(leader, "b")).status, 201);
    assert.equal(home.cluster.count("DELETE", "/pods/"), 0);
  });

  it("is refused with a key that is too short, wherever it stands", async () => {
    await assert.rejects(start(newKey, "short"), /a key of 5 bytes, but each must have at least 32/);
  });

  it("replaces idle pods that other settings of the provisioner made", async () => {
    const one = await home.start();
    await sees(one, 2);
    const pool = idle();
    await one.provisioner.stop();
    await home.start({ SANDBOX_SERVER: "aio" });
    await eventually("all are new", () => idle().length === 2 && !idle().some((name) => pool.includes(name)));
  });
});
