// Several clusters behind one provisioner: where sandboxes go, that an id is one wherever it is, and what is said of a cluster
// that is drained or lost.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { rankedSites } from "../../../provisioner/src/model/placement.js";
import { CLAIMED_AT } from "../../../provisioner/src/model/labels.js";
import { FleetHouse, type ListeningReplica } from "./fleet-house.js";
import { apiKey, environment, eventually, metricsOf } from "./house.js";

const even = { a: {}, b: {} };

/** An id of the tenant `default` whose home is the given one of two equal clusters. */
function idOf(home: "a" | "b", prefix: string): string {
  for (let i = 0; ; i += 1) {
    const id = `${prefix}-${i}`;
    const sites = [
      { name: "a", weight: 100 },
      { name: "b", weight: 100 },
    ];
    if (rankedSites(`default/${id}`, sites)[0]?.name === home) return id;
  }
}

const statusOf = async (answer: ReturnType<ListeningReplica["call"]>): Promise<number> =>
  (await answer).statusCode;

const create = (replica: ListeningReplica, id: string, more: object = {}): Promise<number> =>
  statusOf(replica.call("POST", "/v1/sandboxes", { id, ...more }));

const listed = async (replica: ListeningReplica): Promise<string[]> =>
  (await replica.call("GET", "/v1/sandboxes?limit=200"))
    .json<{ items: { id: string }[] }>()
    .items.map(({ id }) => id);

const present = async (replica: ListeningReplica, id: string): Promise<boolean | undefined> =>
  (await replica.call("GET", `/api/sandboxes/${id}/presence`)).json<{ exists?: boolean }>().exists;

interface Pool {
  size: number;
  ready: number;
  autoscaling?: { min: number; max: number };
}

const poolOf = async (replica: ListeningReplica): Promise<Pool | undefined> =>
  (await replica.call("GET", "/v1/environments"))
    .json<{ items: { name: string; pool: Pool }[] }>()
    .items.find(({ name }) => name === "pooled")?.pool;

const ready = async (replica: ListeningReplica): Promise<number> => (await poolOf(replica))?.ready ?? 0;

/** What the sandbox says that it is, by way of the router. */
const through = async (replica: ListeningReplica, id: string): Promise<{ status: number; name?: string }> => {
  const answer = await fetch(`${replica.url}/sandboxes/${id}/v1/sandbox`, {
    headers: { "x-api-key": apiKey },
  });
  const body = (await answer.json()) as { data?: { name: string } };
  return { status: answer.status, ...(body.data === undefined ? {} : { name: body.data.name }) };
};

describe("several clusters", function () {
  // Some wait for what happens every two or three seconds.
  this.timeout(60_000);
  let home: FleetHouse;
  beforeEach(async () => {
    home = await new FleetHouse().open();
  });
  afterEach(() => home.end());

  it("share sandboxes by weight, and are listed as one", async () => {
    const replica = await home.start(home.share({ a: { weight: 90 }, b: { weight: 30 } }));
    const ids = Array.from({ length: 24 }, (_, i) => `w-${String(i).padStart(2, "0")}`);
    assert.deepEqual(new Set(await Promise.all(ids.map((id) => create(replica, id)))), new Set([201]));
    const share = home.ids("a").length / ids.length;
    assert.ok(share > 0.6 && share < 0.9, `a got ${share} of them`);
    assert.deepEqual([...home.ids("a"), ...home.ids("b")].sort(), ids);
    assert.deepEqual(await listed(replica), ids);
  });

  it("take an idle pod wherever there is one, by one write, and nothing in the other", async () => {
    home.clusters.b.put("configmaps", environment("pooled", 1));
    home.clusters.a.put("configmaps", environment("pooled", 0));
    const replica = await home.start(home.share(even));
    await eventually("b has its idle pod", async () => (await ready(replica)) === 1);
    const before = [home.clusters.a.requests.length, home.clusters.b.count("PATCH", "/pods/")];
    const writes = (): number =>
      home.clusters.a.requests
        .slice(before[0])
        .filter(({ path, method }) => method !== "GET" && path.includes("/pods")).length;
    assert.equal(await create(replica, idOf("a", "warm"), { environment: "pooled" }), 201);
    assert.equal(home.clusters.b.count("PATCH", "/pods/") - (before[1] ?? 0), 1);
    assert.equal(writes(), 0);
    assert.equal(home.ids("b").length, 1);
  });

  it("make one sandbox of an id that two replicas are asked for at once, and lead to it from both", async () => {
    const path = home.share(even);
    const replicas = [await home.start(path), await home.start(path)] as const;
    const ids = Array.from({ length: 10 }, (_, i) => `twice-${i}`);
    const statuses = await Promise.all(ids.flatMap((id) => replicas.map((replica) => create(replica, id))));
    assert.ok(
      statuses.every((status) => status === 200 || status === 201),
      statuses.join(),
    );
    assert.deepEqual([...home.ids("a"), ...home.ids("b")].sort(), ids);
    for (const id of ids) {
      const where = home.ids("a").includes(id) ? "a" : "b";
      for (const replica of replicas)
        assert.deepEqual(await through(replica, id), { status: 200, name: where });
    }
  });

  it("find a sandbox wherever it is before any is placed", async () => {
    const id = idOf("a", "there");
    const path = home.share({ a: { drain: true }, b: {} });
    const first = await home.start(path);
    assert.equal(await create(first, id), 201);
    assert.deepEqual(home.ids("b"), [id]);
    const second = await home.start(home.share(even, "other.json"));
    assert.equal(await create(second, id), 200);
    assert.equal(await create(second, id, { labels: { other: "values" } }), 409);
    assert.deepEqual([home.ids("a"), home.ids("b")], [[], [id]]);
    assert.equal(await statusOf(second.call("DELETE", `/v1/sandboxes/${id}`)), 204);
    assert.equal(await statusOf(second.call("GET", `/v1/sandboxes/${id}`)), 404);
    assert.equal(await statusOf(second.call("DELETE", `/v1/sandboxes/${id}`)), 404);
  });

  it("answer for others although one of them cannot carry out what somebody asks for", async () => {
    // In `a` there is no egress proxy, which the sandboxes of this environment need.
    const walled = environment("walled", 0, { egress: "allowlist" });
    for (const name of ["a", "b"] as const) home.clusters[name].put("configmaps", walled);
    const replica = await home.start(home.share(even), {
      EGRESS_PROXY_URL: "http://proxy.proxies.svc:3128",
      READY_TIMEOUT_SECONDS: "1",
    });
    assert.equal(await create(replica, idOf("a", "walled"), { environment: "walled" }), 503);
    assert.equal(await create(replica, idOf("a", "plain")), 201);
    assert.equal(await statusOf(replica.call("GET", "/v1/sandboxes/unknown")), 404);
  });

  it("go on to the next where there is no room, and say so when there is none at all", async () => {
    const replica = await home.start(home.share({ a: { maxSandboxes: 1 }, b: { maxSandboxes: 2 } }));
    const statuses = [];
    for (let i = 0; i < 4; i += 1) statuses.push(await create(replica, `full-${i}`));
    assert.deepEqual(statuses, [201, 201, 201, 503]);
    assert.deepEqual([home.ids("a").length, home.ids("b").length], [1, 2]);
  });

  it("keep a spare one, with weight 0, for what the others have no room for", async () => {
    const replica = await home.start(home.share({ a: { maxSandboxes: 2 }, b: { weight: 0 } }));
    for (let i = 0; i < 3; i += 1) assert.equal(await create(replica, `spare-${i}`), 201);
    assert.deepEqual([home.ids("a").length, home.ids("b").length], [2, 1]);
  });

  it("count a tenant's quota over all of them", async () => {
    const key = "0123456789abcdef-acme";
    const sha256 = createHash("sha256").update(key).digest("hex");
    const keys = home.write("keys.json", {
      version: 1,
      tenants: { acme: { keys: [{ name: "k", sha256 }], quota: { sandboxes: 4 } } },
    });
    const replica = await home.start(home.share(even), { API_KEYS_FILE: keys });
    const ask = (i: number): Promise<number> =>
      statusOf(replica.call("POST", "/v1/sandboxes", { id: `q-${i}` }, { "x-api-key": key }));
    // Together and one after the other: what is on its way to another cluster counts too.
    const together = await Promise.all([0, 1, 2, 3, 4, 5].map(ask));
    assert.deepEqual(together.sort(), [201, 201, 201, 201, 429, 429]);
    assert.equal(await ask(9), 429);
    assert.ok(home.ids("a").length > 0 && home.ids("b").length > 0, "both have some");
    // Another tenant has another quota, and may have the same ids.
    assert.equal(await create(replica, "q-0"), 201);
  });

  it("keep tenants apart who have one id, in whatever clusters their sandboxes are", async () => {
    const key = "0123456789abcdef-acme";
    const sha256 = createHash("sha256").update(key).digest("hex");
    const keys = home.write("keys.json", {
      version: 1,
      tenants: { acme: { keys: [{ name: "k", sha256 }] } },
    });
    const path = home.share({ a: {}, b: { drain: true } });
    const first = await home.start(path, { API_KEYS_FILE: keys });
    assert.equal(await create(first, "shared"), 201);
    const second = await home.start(home.share({ a: { drain: true }, b: {} }, "other.json"), {
      API_KEYS_FILE: keys,
    });
    const theirs = { "x-api-key": key };
    // Not there for them, though it is there, and then one of their own.
    assert.equal(await statusOf(second.call("GET", "/v1/sandboxes/shared", undefined, theirs)), 404);
    assert.equal(await statusOf(second.call("DELETE", "/v1/sandboxes/shared", undefined, theirs)), 404);
    const made = await second.call("POST", "/v1/sandboxes", { id: "shared" }, theirs);
    assert.equal(made.statusCode, 201);
    assert.deepEqual([home.ids("a"), home.ids("b")], [["shared"], ["shared"]]);
    const { token } = made.json<{ token: string }>();
    const opened = async (headers: Record<string, string>): Promise<string | undefined> => {
      const answer = await fetch(`${second.url}/sandboxes/shared/v1/sandbox`, { headers });
      return ((await answer.json()) as { data?: { name: string } }).data?.name;
    };
    // A key and a token lead to their own sandbox, and never to the other one of that id.
    assert.equal(await opened({ "x-api-key": apiKey }), "a");
    assert.equal(await opened(theirs), "b");
    assert.equal(await opened({ "x-sandbox-token": token }), "b");
    assert.equal(await opened({ "x-sandbox-token": `${token}x` }), undefined);
    assert.equal(await statusOf(second.call("DELETE", "/v1/sandboxes/shared", undefined, theirs)), 204);
    assert.deepEqual([home.ids("a"), home.ids("b")], [["shared"], []]);
  });

  it("are drained without a start: no new sandboxes, no idle pods, and those that are there are served", async () => {
    const autoscaling = { max: 5, targetUtilization: 50 };
    home.clusters.a.put("configmaps", environment("pooled", 2));
    home.clusters.b.put("configmaps", environment("pooled", 0, { pool: { size: 2, autoscaling } }));
    const path = home.share(even);
    const replica = await home.start(path);
    await eventually("both pools are full", async () => (await ready(replica)) === 4);
    const together = { min: 4, max: 7, targetUtilization: 50, scaleDownSeconds: 300 };
    assert.deepEqual(await poolOf(replica), { size: 4, ready: 4, autoscaling: together });
    const id = idOf("a", "stays");
    assert.equal(await create(replica, id, { environment: "pooled" }), 201);
    home.share({ a: { drain: true }, b: {} });
    const idle = (): number =>
      home.clusters.a.livePods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "idle")
        .length;
    await eventually("the pool of a is empty", () => idle() === 0);
    const { size, autoscaling: left } = (await poolOf(replica)) ?? {};
    assert.deepEqual([size, left?.min, left?.max], [2, 2, 5]);
    for (let i = 0; i < 6; i += 1) assert.equal(await create(replica, `drained-${i}`), 201);
    assert.deepEqual(home.ids("a"), [id]);
    assert.deepEqual(await through(replica, id), { status: 200, name: "a" });
    assert.equal(await statusOf(replica.call("POST", `/v1/sandboxes/${id}/extend`, { seconds: 60 })), 200);
    // A file that cannot be used changes nothing.
    home.write("clusters.json", { version: 1, clusters: [{ name: "a", weight: 1000 }] });
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal(await create(replica, "drained-still"), 201);
    assert.deepEqual(home.ids("a"), [id]);
  });

  it("that are lost are not mistaken for empty, and are all there again when they return", async () => {
    const replica = await home.start(home.share(even));
    const [inA, inB] = [idOf("a", "lost"), idOf("b", "kept")];
    assert.deepEqual([await create(replica, inA), await create(replica, inB)], [201, 201]);
    home.lose("a");
    await eventually(
      "a is lost",
      async () => (await statusOf(replica.call("GET", `/v1/sandboxes/${inA}`))) === 503,
    );
    // What is there, and what may be: nothing is said to be gone.
    for (const [method, path] of [
      ["GET", `/v1/sandboxes/${inA}`],
      ["DELETE", `/v1/sandboxes/${inA}`],
      ["GET", `/api/sandboxes/${inA}`],
      ["DELETE", `/api/sandboxes/${inA}`],
      ["GET", `/api/sandboxes/${inA}/presence`],
      ["GET", "/api/sandboxes/never-was/presence"],
      ["GET", "/v1/sandboxes/never-was"],
      ["DELETE", "/v1/sandboxes/never-was"],
    ] as const)
      assert.equal(await statusOf(replica.call(method, path)), 503, `${method} ${path}`);
    assert.deepEqual(await through(replica, inA), { status: 503 });
    assert.deepEqual(await through(replica, "never-was"), { status: 503 });
    assert.deepEqual(await listed(replica), [inB, inA].sort());
    // The other one is served, and gets what is new.
    assert.equal(await present(replica, inB), true);
    assert.equal(await statusOf(replica.call("GET", "/readyz")), 200);
    assert.deepEqual(await through(replica, inB), { status: 200, name: "b" });
    for (let i = 0; i < 5; i += 1)
      assert.equal(await statusOf(replica.call("POST", "/v1/sandboxes", {})), 201);
    assert.equal(await create(replica, idOf("b", "new")), 201);
    // An id that another replica may have made in the lost one is not made again.
    assert.equal(await create(replica, inA), 503);
    assert.equal(await create(replica, idOf("a", "new")), 503);
    assert.equal(home.ids("a").length, 1);
    assert.equal(home.ids("b").length, 7);

    home.find("a");
    await eventually(
      "a is back",
      async () => (await statusOf(replica.call("GET", `/v1/sandboxes/${inA}`))) === 200,
      20_000,
    );
    assert.equal(await create(replica, inA), 200);
    assert.deepEqual(await through(replica, inA), { status: 200, name: "a" });
    assert.equal(await statusOf(replica.call("GET", "/v1/sandboxes/never-was")), 404);
    assert.equal((await listed(replica)).length, 8);
    assert.deepEqual([await present(replica, inA), await present(replica, "never-was")], [true, false]);
  });

  it("that are lost at the start do not keep the others from being used", async () => {
    const path = home.share(even);
    const before = await home.start(path);
    const inA = idOf("a", "before");
    assert.equal(await create(before, inA), 201);
    home.lose("a");
    const replica = await home.start(path);
    assert.equal(await statusOf(replica.call("GET", "/readyz")), 200);
    assert.equal(await statusOf(replica.call("POST", "/v1/sandboxes", {})), 201);
    // It never saw what is in a: no id that was given may be made, and a list would lack some.
    assert.equal(await create(replica, inA), 503);
    assert.equal(await create(replica, idOf("b", "given")), 503);
    assert.equal(await statusOf(replica.call("GET", "/v1/sandboxes")), 503);
    home.find("a");
    await eventually("a is read", async () => (await create(replica, inA)) === 200, 20_000);
    assert.equal((await listed(replica)).length, 2);
  });

  it("keep the earlier one of two sandboxes that have one id all the same", async () => {
    // Two replicas that see one cluster each: as if each had lost the other.
    const inA = await home.start(home.share({ a: {} }, "a.json"));
    const inB = await home.start(home.share({ b: {} }, "b.json"));
    assert.equal(await create(inB, "double"), 201);
    assert.equal(await create(inA, "double"), 201);
    const back = (name: "a" | "b", seconds: number): void => {
      const pod = home.clusters[name].pods()[0]?.metadata.name ?? "";
      home.clusters[name].update(pod, ({ metadata }) => {
        metadata.annotations = {
          ...metadata.annotations,
          [CLAIMED_AT]: new Date(Date.now() - seconds * 1000).toISOString(),
        };
      });
    };
    back("b", 60);
    back("a", 30);
    await Promise.all([inA.provisioner.stop(), inB.provisioner.stop()]);
    const both = await home.start(home.share(even));
    assert.deepEqual(await through(both, "double"), { status: 200, name: "b" });
    await eventually("the later one is gone", () => home.ids("a").length === 0, 15_000);
    assert.deepEqual([home.ids("b"), await listed(both)], [["double"], ["double"]]);
    const counted =
      /sandlot_provisioner_reaped_total\{(?=[^}]*cluster="a")(?=[^}]*reason="duplicate")[^}]*\} 1/;
    await eventually("it is counted", async () => counted.test(await metricsOf(both)));
  });

  it("are told apart in metrics, each of which is described once", async () => {
    const replica = await home.start(home.share(even));
    assert.equal(await create(replica, idOf("a", "m")), 201);
    assert.equal(
      (await replica.call("GET", "/metrics")).statusCode,
      404,
      "callers of the API do not see them",
    );
    const text = await metricsOf(replica);
    for (const name of ["a", "b"])
      assert.match(text, new RegExp(`sandlot_provisioner_current\\{cluster="${name}"\\} 1`));
    assert.match(
      text,
      /sandlot_provisioner_sandboxes\{(?=[^}]*cluster="a")(?=[^}]*tenant="default")[^}]*\} 1/,
    );
    const described = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    assert.equal(new Set(described).size, described.length);
    assert.match(text, /^process_cpu_user_seconds_total /m);
    assert.match(text, /^process_start_time_seconds [1-9]/m);
  });

  it("are refused where their sandboxes could not be reached by their URLs", async () => {
    const path = home.share(even);
    await assert.rejects(
      home.start(path, { SANDBOX_SERVICE_TYPE: "ClusterIP" }),
      /lead nowhere in another cluster/,
    );
    await assert.rejects(
      home.start(path, { SANDBOX_SERVICE_TYPE: "NodePort" }),
      /clusters\.0\.nodeHost: is not set/,
    );
  });
});
