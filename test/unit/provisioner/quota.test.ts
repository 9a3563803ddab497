// Tenants at their quota: what is over leaves no room taken, what is still going does, and nobody takes the room of others.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { eventually, house, type House, type Replica } from "./house.js";

const key = "0123456789abcdef-acme";

describe("a tenant's quota", () => {
  let home: House;
  let folder: string;

  beforeEach(async () => {
    home = await house();
    folder = mkdtempSync(join(tmpdir(), "sandlot-quota-"));
    const sha256 = createHash("sha256").update(key).digest("hex");
    const acme = { keys: [{ name: "k", sha256 }], quota: { sandboxes: 1 } };
    writeFileSync(join(folder, "keys.json"), JSON.stringify({ version: 1, tenants: { acme } }));
  });

  afterEach(async () => {
    await home.end();
    rmSync(folder, { recursive: true });
  });

  const start = (more: Record<string, string> = {}): Promise<Replica> =>
    home.start({ API_KEYS_FILE: join(folder, "keys.json"), ...more });
  const acme = async (replica: Replica, method: "GET" | "POST" | "DELETE", id: string): Promise<number> => {
    const [url, body] = method === "POST" ? ["/v1/sandboxes", { id }] : [`/v1/sandboxes/${id}`, undefined];
    return (await replica.call(method, url, body, { "x-api-key": key })).statusCode;
  };
  const nameOf = (id: string): string =>
    home.cluster.livePods().find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id)
      ?.metadata.name ?? "";
  /** As when code in the sandbox ends its server. */
  const fail = async (replica: Replica, id: string): Promise<void> => {
    home.cluster.update(nameOf(id), (pod) => {
      pod.status = Object.assign({}, pod.status, { phase: "Failed", reason: "Error" });
    });
    const state = async (): Promise<unknown> =>
      (await replica.call("GET", `/v1/sandboxes/${id}`, undefined, { "x-api-key": key })).json<{
        state: string;
      }>().state;
    await eventually("the failure is seen", async () => (await state()) === "failed");
  };

  it("is not what a tenant can take everybody's room with, by sandboxes that fail again and again", async () => {
    const replica = await start({ MAX_SANDBOXES: "3" });
    for (const id of ["a", "b", "c", "d", "e"]) {
      assert.equal(await acme(replica, "POST", id), 201, id);
      await fail(replica, id);
    }
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "other" })).statusCode, 201);
  });

  it("leaves so many failed ones to be seen, and no more, the latest", async () => {
    const replica = await start({ SANDBOX_SERVICE_TYPE: "Router", ROUTER_URL: "http://localhost" });
    for (let i = 0; i < 22; i += 1) {
      assert.equal(await acme(replica, "POST", `f-${i}`), 201);
      await fail(replica, `f-${i}`);
    }
    await eventually("the surplus is gone", () => home.cluster.pods().length === 20);
    assert.equal(await acme(replica, "GET", "f-21"), 200);
  });

  it("leaves one failed one to be seen where each has a Service, of which the namespace has only so many", async () => {
    const replica = await start();
    for (const id of ["a", "b", "c"]) {
      assert.equal(await acme(replica, "POST", id), 201);
      await fail(replica, id);
    }
    await eventually("the surplus is gone", () => home.cluster.services().length === 1);
    assert.equal(await acme(replica, "GET", "c"), 200);
  });

  it("has room for one that replaces a failed one", async () => {
    const replica = await start();
    assert.equal(await acme(replica, "POST", "a"), 201);
    await fail(replica, "a");
    assert.equal(await acme(replica, "POST", "a"), 201);
    assert.equal(home.cluster.livePods().length, 1);
  });

  it("counts what is being deleted, and has a create wait until that has gone", async () => {
    home.cluster.stopMs = 500;
    const replica = await start();
    for (const id of ["a", "b", "c"]) {
      assert.equal(await acme(replica, "POST", id), 201);
      assert.equal(home.cluster.pods().length, 1, "never more than the quota");
      assert.equal(await acme(replica, "DELETE", id), 204);
    }
    // One may be waited for; another would wait in vain.
    const [one, other] = await Promise.all(["d", "e"].map((id) => acme(replica, "POST", id)));
    assert.deepEqual([one, other].sort(), [201, 429]);
  });

  it("says that it is used up when what is being deleted does not go", async () => {
    home.cluster.stopMs = undefined;
    const replica = await start({ READY_TIMEOUT_SECONDS: "1" });
    assert.equal(await acme(replica, "POST", "a"), 201);
    const [name] = [nameOf("a")];
    await acme(replica, "DELETE", "a");
    assert.equal(await acme(replica, "POST", "b"), 429);
    home.cluster.lose(name);
    assert.equal(await acme(replica, "POST", "b"), 201);
  });

  it("does not count for ever what was lost with its node", async () => {
    home.cluster.stopMs = undefined;
    const replica = await start();
    assert.equal(await acme(replica, "POST", "a"), 201);
    await acme(replica, "DELETE", "a");
    home.pass(11_000);
    assert.equal(await acme(replica, "POST", "b"), 201);
  });
});
