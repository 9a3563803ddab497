// What breaks, and what is left: writes that fail or whose answer is lost, replicas that race or die, watches that are cut.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { rankKey } from "../../../provisioner/src/core/directory.js";
import { ranked } from "../../../provisioner/src/model/choice.js";
import { isUpkeep } from "./fake-cluster.js";
import { environment, eventually, house, type House, type Replica } from "./house.js";

const body = (id: string): object => ({ sandbox_id: id });

describe("the provisioner's pool and claims, with faults", () => {
  let home: House;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  const ready = (): number => home.cluster.readyPods().length;
  const idle = (): number =>
    home.cluster.livePods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "idle")
      .length;

  const readyOf = async (replica: Replica): Promise<number | undefined> =>
    (await replica.call("GET", "/v1/environments")).json<{ items: { pool: { ready: number } }[] }>().items[0]
      ?.pool.ready;
  const claimsOf = (id: string | undefined): ReturnType<typeof home.cluster.livePods> =>
    home.cluster.livePods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id);

  const withPool = async (size: number, more?: Record<string, string>): Promise<Replica> => {
    home.cluster.put("configmaps", environment("default", size));
    const replica = await home.start(more);
    await eventually("the pool is full", () => idle() === size && ready() === size);
    // What the cluster has, the replica sees a moment later.
    await eventually("the replica sees it", async () => (await readyOf(replica)) === size);
    return replica;
  };

  it("takes an idle pod by one write and hands it over once", async () => {
    const replica = await withPool(1);
    const before = home.cluster.requests.length;
    const answer = await replica.call("POST", "/v1/sandboxes", {
      id: "a",
      env: { A: "1" },
      secrets: { S: "2" },
    });
    assert.equal(answer.statusCode, 201);
    assert.equal(answer.json<{ start: string }>().start, "warm");
    const writes = home.cluster.requests
      .slice(before)
      .filter(({ method, path }) => method !== "GET" && path.includes("/pods"));
    assert.deepEqual(
      writes.slice(0, 1).map(({ method }) => method),
      ["PATCH"],
    );
    const claim = writes.filter(({ method }) => method === "PATCH");
    assert.equal(claim.length, 1);
    assert.equal(home.sandbox.claims.length, 1);
    const { token } = answer.json<{ token: string }>();
    const [handed] = home.sandbox.claims;
    assert.deepEqual(
      { ...handed?.body, claim_id: "" },
      { claim_id: "", token, env: { A: "1" }, secrets: { S: "2" } },
    );
    assert.match(handed?.secret ?? "", /^Bearer [\w-]{43}$/);
    // Neither secret nor token is on the pod.
    const text = JSON.stringify(home.cluster.pods());
    assert.ok(!text.includes(token));
    assert.ok(!/"value":"2"/.test(text));
  });

  it("refills, and never makes more than the pool's size", async () => {
    const replica = await withPool(3);
    await Promise.all(["a", "b", "c"].map((id) => replica.call("POST", "/api/sandboxes", body(id))));
    await eventually("the pool is full again", () => idle() === 3);
    assert.equal(home.cluster.count("POST", "/pods"), 6);
  });

  it("starts as many pods at once as one node may, and as many for each node that has some", async () => {
    home.cluster.startMs = undefined;
    home.cluster.put("configmaps", environment("default", 20));
    await home.start({ POOL_MAX_STARTING: "3" });
    const place = (at: number, node: string): void => {
      home.cluster.update(home.cluster.pods()[at]?.metadata.name ?? "", (pod) => {
        pod.spec = Object.assign({}, pod.spec, { nodeName: node });
      });
    };
    await eventually("as many start as one node may", () => idle() === 3);
    place(0, "one");
    place(1, "two");
    await eventually("as many start as two may", () => idle() === 6);
    place(2, "two");
    place(3, "one");
    // Longer than the keeper takes to look again after a change.
    await sleep(500);
    assert.equal(idle(), 6);
  });

  it("starts half as many at once while claims are to be expected", async () => {
    const replica = await withPool(4, { POOL_MAX_STARTING: "4" });
    home.cluster.startMs = undefined;
    const before = performance.now();
    await Promise.all(["a", "b", "c", "d"].map((id) => replica.call("POST", "/api/sandboxes", body(id))));
    await eventually("some start soon", () => idle() > 0);
    await eventually("all start at last", () => idle() === 4);
    const waited = performance.now() - before;
    assert.ok(waited >= 2_000, `all started ${waited} ms after the claims`);
  });

  it("gives each of many claims at once a pod of its own", async () => {
    const replica = await withPool(5, { POOL_MAX_STARTING: "10" });
    const ids = Array.from({ length: 20 }, (_, index) => `c-${index}`);
    const answers = await Promise.all(ids.map((id) => replica.call("POST", "/v1/sandboxes", { id })));
    assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([201]));
    const claimed = home.cluster
      .livePods()
      .filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "claimed");
    assert.equal(
      new Set(claimed.map(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"])).size,
      20,
    );
    assert.equal(claimed.length, 20);
  });

  it("gives two replicas that are asked for one id at once the same sandbox", async () => {
    const one = await withPool(4);
    const two = await home.start();
    const answers = await Promise.all(
      [one, two, one, two].map((replica) => replica.call("POST", "/v1/sandboxes", { id: "same" })),
    );
    for (const answer of answers) assert.ok([200, 201].includes(answer.statusCode), answer.body);
    assert.equal(new Set(answers.map((answer) => answer.json<{ token: string }>().token)).size, 1);
    assert.equal(claimsOf("same").length, 1);
  });

  it("gives a replica that sees less than another, and so claims another pod, the sandbox that was claimed first", async () => {
    const one = await withPool(1);
    const two = await home.start();
    const [known] = home.cluster.livePods();
    await eventually("both see the pod", async () => (await readyOf(two)) === 1);
    const lag = { ms: 60_000 };
    home.cluster.lagMs = (watch) => (watch === 2 ? lag.ms : 0);
    home.cluster.put("configmaps", environment("default", 2));
    await eventually("one of them sees another pod", async () => (await readyOf(one)) === 2);
    // An id for which the first would take the pod that the second does not know.
    const pods = home.cluster.livePods().map(({ metadata }) => ({ podName: metadata.name }));
    const id = Array.from({ length: 100 }, (_, index) => `id-${index}`).find(
      (each) => ranked(rankKey("default", each), pods)[0]?.podName !== known?.metadata.name,
    );
    const first = await one.call("POST", "/v1/sandboxes", { id });
    const second = two.call("POST", "/v1/sandboxes", { id });
    await eventually("both have claimed one", () => claimsOf(id).length === 2);
    // An answer before this replica has seen what came before would be one that is not kept.
    assert.equal(
      await Promise.race([second.then(() => "answered"), sleep(200).then(() => "waits")]),
      "waits",
    );
    lag.ms = 1;
    home.cluster.cutWatches();
    assert.deepEqual([first.statusCode, (await second).statusCode], [201, 201]);
    const [token, other] = [first, await second].map((answer) => answer.json<{ token: string }>().token);
    assert.equal(other, token);
    await eventually("one is left", () => claimsOf(id).length === 1);
    assert.notEqual(claimsOf(id)[0]?.metadata.name, known?.metadata.name);
  });

  it("leaves a sandbox alone that another replica has claimed and answered, whatever its server says to a second hand-over", async () => {
    const one = await withPool(1);
    const two = await home.start();
    await eventually("both see the pod", async () => (await readyOf(two)) === 1);
    home.cluster.lagMs = (watch) => (watch === 2 ? 60_000 : 0);
    const first = await one.call("POST", "/v1/sandboxes", { id: "same" });
    assert.equal(first.statusCode, 201);
    // As when the replicas' settings differ during a rollout, so that what they hand over differs too.
    home.sandbox.status = 409;
    const second = await two.call("POST", "/v1/sandboxes", { id: "same" });
    assert.equal(second.statusCode, 201, second.body);
    const [token, other] = [first, second].map((answer) => answer.json<{ token: string }>().token);
    assert.equal(other, token);
    assert.equal(claimsOf("same").length, 1);
  });

  it("takes another pod than one that was being deleted when it was claimed, although its server answers", async () => {
    const replica = await withPool(2);
    home.cluster.stopMs = undefined;
    const dying = new Set<string>();
    home.cluster.fault = ({ method, path }) => {
      const name = path.split("/").at(-1) ?? "";
      if (method !== "PATCH" || dying.size > 0) return undefined;
      dying.add(name);
      home.cluster.update(name, ({ metadata }) => {
        metadata.deletionTimestamp = new Date().toISOString() as never;
      });
      return undefined;
    };
    const made = await replica.call("POST", "/v1/sandboxes", { id: "a" });
    assert.equal(made.statusCode, 201);
    assert.equal(made.json<{ state: string }>().state, "running");
    assert.equal(dying.size, 1);
    assert.equal(claimsOf("a").length, 1);
  });

  it("says that a sandbox was not handed over, and keeps nothing of it, whatever its server answers with", async () => {
    const replica = await withPool(1);
    home.sandbox.status = 400;
    home.sandbox.text = "no";
    const { statusCode, body: said } = await replica.call("POST", "/v1/sandboxes", { id: "a" });
    assert.equal(statusCode, 422, said);
    assert.match(said, /was not handed over: status 400/);
    assert.equal(claimsOf("a").length, 0);
  });

  it("asks for a name that the cluster neither gives nor has no longer than whoever waits for it", async () => {
    home.cluster.put("configmaps", environment("default", 0));
    const replica = await home.start({ READY_TIMEOUT_SECONDS: "1" });
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/pods") ? { status: 409, reason: "AlreadyExists" } : undefined;
    const started = performance.now();
    const { statusCode, body: said } = await replica.call("POST", "/v1/sandboxes", { id: "a" });
    assert.equal(statusCode, 503, said);
    assert.ok(performance.now() - started < 5_000);
    const asked = home.cluster.requests.filter(
      ({ method, path }) => method === "POST" && path.endsWith("/pods"),
    );
    assert.ok(asked.length <= 1_000 / 50 + 2, `asked ${asked.length} times`);
  });

  it("says that a sandbox was deleted while its create waited for it, and not that it is there", async () => {
    home.cluster.put("configmaps", environment("default", 0));
    home.cluster.startMs = undefined;
    const replica = await home.start();
    const create = replica.call("POST", "/v1/sandboxes", { id: "a" });
    await eventually("its pod is there", () => claimsOf("a").length === 1);
    assert.equal((await replica.call("DELETE", "/v1/sandboxes/a")).statusCode, 204);
    const { statusCode, body: said } = await create;
    assert.equal(statusCode, 502, said);
    assert.match(said, /was deleted while it started/);
  });

  it("says the same of a sandbox that has just answered, whichever replica is asked, before any probe has", async () => {
    home.cluster.put("configmaps", environment("default", 0));
    home.cluster.startMs = undefined;
    const one = await home.start();
    const two = await home.start();
    const made = one.call("POST", "/v1/sandboxes", { id: "new" });
    await eventually("its pod is there", () => home.cluster.livePods().length === 1);
    const [pod] = home.cluster.livePods();
    home.cluster.update(pod?.metadata.name ?? "", (copy) => {
      const sandbox = {
        name: "sandbox",
        started: false,
        ready: false,
        restartCount: 0,
        image: "",
        imageID: "",
      };
      copy.status = { phase: "Running", podIP: "127.0.0.1", containerStatuses: [sandbox] };
    });
    assert.equal((await made).json<{ state: string }>().state, "running");
    const seenBy = async (replica: Replica): Promise<string> =>
      (await replica.call("GET", "/v1/sandboxes/new")).json<{ state: string }>().state;
    await eventually("the other replica sees its address", async () => (await seenBy(two)) === "running");
    // What says that it was not handed over is not ready for its owner.
    home.sandbox.claimed = false;
    const three = await home.start();
    assert.equal(await seenBy(three), "starting");
    home.sandbox.claimed = true;
    assert.deepEqual([await seenBy(one), await seenBy(two), await seenBy(three)], Array(3).fill("running"));
  });

  it("says that a sandbox runs, and not that nobody knows, from its first answer until a probe has seen it ready", async () => {
    home.cluster.put("configmaps", environment("default", 0));
    home.cluster.startMs = undefined;
    const replicas = [await home.start(), await home.start()];
    const made = replicas[0]?.call("POST", "/api/sandboxes", body("new"));
    await eventually("its pod is there", () => home.cluster.livePods().length === 1);
    const probed = (started: boolean, ready: "True" | "False", changedAt: string): void => {
      home.cluster.update(home.cluster.livePods()[0]?.metadata.name ?? "", (copy) => {
        const state = { running: { startedAt: "2026-01-01T00:00:02Z" as never } };
        const sandbox = { name: "sandbox", started, ready: ready === "True", state };
        copy.status = {
          ...{ phase: "Running", podIP: "127.0.0.1" },
          conditions: [{ type: "Ready", status: ready, lastTransitionTime: changedAt as never }],
          containerStatuses: [{ ...sandbox, restartCount: 0, image: "", imageID: "" }],
        };
      });
    };
    const statuses = (): Promise<string[]> =>
      Promise.all(
        replicas.map(
          async (replica) =>
            (await replica.call("GET", "/api/sandboxes/new")).json<{ status: string }>().status,
        ),
      );
    probed(false, "False", "2026-01-01T00:00:01Z");
    assert.equal((await made)?.json<{ status: string }>().status, "Running");
    const seen = new Set<string>();
    for (const [started, ready, changedAt] of [
      [true, "False", "2026-01-01T00:00:01Z"],
      [true, "True", "2026-01-01T00:00:04Z"],
    ] as const) {
      probed(started, ready, changedAt);
      for (let look = 0; look < 10; look += 1) for (const status of await statuses()) seen.add(status);
    }
    assert.deepEqual([...seen], ["Running"]);
    probed(true, "False", "2026-01-01T00:00:30Z");
    for (const replica of replicas)
      await eventually(
        "it is said that it does not answer any more",
        async () => (await replica.call("GET", "/api/sandboxes/new")).statusCode === 503,
      );
  });

  it("lets only one replica fill the pool", async () => {
    home.cluster.put("configmaps", environment("default", 3));
    await Promise.all([home.start(), home.start(), home.start()]);
    await eventually("the pool is full", () => idle() === 3);
    assert.equal(home.cluster.count("POST", "/pods"), 3);
  });

  it("is done by another replica at once when the leader ends", async () => {
    const leader = await withPool(1);
    const other = await home.start();
    await leader.provisioner.stop();
    await other.call("POST", "/api/sandboxes", body("a"));
    await eventually("the other fills the pool", () => idle() === 1, 6_000);
  });

  it("finds the sandbox again when the answer to the claim was lost", async () => {
    const replica = await withPool(1);
    let lost = false;
    home.cluster.fault = ({ method }) => {
      if (method !== "PATCH" || lost) return undefined;
      lost = true;
      return "lose-answer";
    };
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "a" })).statusCode, 503);
    await eventually(
      "the watch tells",
      async () => (await replica.call("GET", "/v1/sandboxes/a")).statusCode === 200,
    );
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "a" })).statusCode, 200);
    assert.equal(home.sandbox.claims.length, 1);
  });

  for (const [what, fault] of [
    ["the answer is lost", "lose-answer"],
    ["the answer breaks off in the middle", "cut-answer"],
    ["a proxy on the way answers with a page", "page"],
    ["the API server is overloaded", { status: 429 }],
    ["the API server has an error", { status: 500 }],
    ["a proxy on the way has no answer", { status: 504 }],
  ] as const) {
    it(`waits out a moment in which ${what}, whatever the request`, async () => {
      const replica = await withPool(1, { API_PATIENCE_SECONDS: "5" });
      // Each request of a create and a delete fails twice; Leases and watches are other tests' matter.
      const failed = new Map<string, number>();
      home.cluster.fault = (request) => {
        if (isUpkeep(request)) return undefined;
        const { method, path } = request;
        const count = (failed.get(`${method} ${path}`) ?? 0) + 1;
        failed.set(`${method} ${path}`, count);
        return count > 2 ? undefined : fault;
      };
      for (const id of ["warm", "cold"])
        assert.equal((await replica.call("POST", "/v1/sandboxes", { id })).statusCode, 201);
      for (const id of ["warm", "cold"])
        assert.equal((await replica.call("DELETE", `/v1/sandboxes/${id}`)).statusCode, 204);
      home.cluster.fault = () => undefined;
      assert.ok([...failed.keys()].some((request) => request.startsWith("PATCH ")));
      assert.ok([...failed.keys()].some((request) => request.endsWith("/services")));
      assert.ok([...failed.keys()].some((request) => request.startsWith("DELETE ")));
      await eventually(
        "nothing is left but the pool",
        () => idle() === 1 && home.cluster.pods().length === 1,
      );
      assert.equal(home.sandbox.claims.length, 2);
    });
  }

  /** Every request but those of Leases and watches fails for so long. Milliseconds. */
  const inTroubleFor = (ms: number): void => {
    const end = performance.now() + ms;
    home.cluster.fault = (request) =>
      isUpkeep(request) || performance.now() > end ? undefined : { status: 500, reason: "InternalError" };
  };

  it("waits out, in a create, what lasts longer than other calls wait, as long as for the sandbox", async () => {
    const patience = { API_PATIENCE_SECONDS: "1", READY_TIMEOUT_SECONDS: "10" };
    const replica = await withPool(1, patience);
    const own = { limits: { memory: "512Mi" }, requests: { memory: "512Mi" } };
    for (const [id, more] of [
      ["warm", {}],
      ["cold", { resources: own }],
    ] as const) {
      inTroubleFor(2_000);
      const answer = await replica.call("POST", "/v1/sandboxes", { id, ...more });
      assert.equal(answer.statusCode, 201, answer.body);
      assert.equal(answer.json<{ start: string }>().start, id);
      assert.equal(claimsOf(id).length, 1);
    }
    // A failed one is removed first.
    home.cluster.update(claimsOf("cold")[0]?.metadata.name ?? "", (pod) => {
      pod.status = Object.assign({}, pod.status, { phase: "Failed" });
    });
    await eventually("it is seen to have failed", async () => {
      const { state } = (await replica.call("GET", "/v1/sandboxes/cold")).json<{ state: string }>();
      return state === "failed";
    });
    inTroubleFor(2_000);
    const again = await replica.call("POST", "/v1/sandboxes", { id: "cold", resources: own });
    assert.equal(again.statusCode, 201, again.body);

    inTroubleFor(2_000);
    assert.equal((await replica.call("DELETE", "/v1/sandboxes/cold")).statusCode, 503);
  });

  it("says what it was when a create has waited for as long as it may, and then carries it out when asked again", async () => {
    const replica = await withPool(1, { API_PATIENCE_SECONDS: "1" });
    inTroubleFor(60_000);
    const started = performance.now();
    const answer = await replica.call("POST", "/v1/sandboxes", { id: "late" });
    const seconds = (performance.now() - started) / 1000;
    assert.equal(answer.statusCode, 503);
    assert.match(answer.json<{ detail: string }>().detail, /\(500 InternalError\); try again$/);
    assert.ok(seconds > 1.9 && seconds < 5, `${seconds} s of the 2 for which a create waits here`);
    home.cluster.fault = () => undefined;
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "late" })).statusCode, 201);
    assert.equal(claimsOf("late").length, 1);
  });

  for (const fault of ["cut-answer", "page"] as const)
    it(`says that the cluster does not answer when all that comes is ${fault}`, async () => {
      const replica = await home.start();
      home.cluster.fault = ({ method }) => (method === "POST" ? fault : undefined);
      const answer = await replica.call("POST", "/v1/sandboxes", { id: "a" });
      assert.equal(answer.statusCode, 503);
      assert.equal(answer.json<{ type: string }>().type, "urn:sandlot:problem:the-cluster-does-not-answer");
    });

  it("finds the sandbox again when the answer to a cold create was lost", async () => {
    const replica = await home.start();
    let lost = false;
    home.cluster.fault = ({ method, path }) => {
      if (method !== "POST" || !path.endsWith("/pods") || lost) return undefined;
      lost = true;
      return "lose-answer";
    };
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "a" })).statusCode, 503);
    const again = await replica.call("POST", "/v1/sandboxes", { id: "a" });
    assert.equal(again.json<{ state: string }>().state, "running");
    assert.equal(home.cluster.pods().length, 1);
  });

  it("makes a sandbox again whose node was lost for ever, once for all replicas, and again when that one is lost too", async () => {
    home.cluster.stopMs = undefined;
    const patience = { READY_TIMEOUT_SECONDS: "20" };
    const replicas = [await home.start(patience), await home.start(patience)] as const;
    const create = (replica: Replica) => replica.call("POST", "/v1/sandboxes", { id: "a" });
    assert.equal((await create(replicas[0])).statusCode, 201);
    for (const round of [1, 2]) {
      assert.equal((await replicas[0].call("DELETE", "/v1/sandboxes/a")).statusCode, 204);
      await eventually(
        "both see it",
        async () => (await replicas[1].call("GET", "/v1/sandboxes/a")).statusCode === 404,
      );
      const waiting = Promise.all(replicas.map(create));
      assert.equal(await Promise.race([waiting, sleep(300).then(() => "waits")]), "waits");
      assert.equal(claimsOf("a").length, 0, "its node may only be slow");
      home.pass(11_000);
      const answers = await waiting;
      for (const answer of answers) assert.ok([200, 201].includes(answer.statusCode), answer.body);
      assert.equal(new Set(answers.map((answer) => answer.json<{ token: string }>().token)).size, 1);
      assert.equal(claimsOf("a").length, 1);
      assert.equal(home.cluster.pods().length, round + 1, "nothing is deleted by force");
      for (const replica of replicas)
        assert.equal((await replica.call("GET", "/v1/sandboxes/a")).statusCode, 200);
    }
    // The node is back, or was removed from the cluster.
    home.cluster.lose("sandbox-a");
    for (const replica of replicas) assert.equal((await create(replica)).statusCode, 200);
    assert.equal(claimsOf("a").length, 1);
  });

  it("goes on with another pod when one that was claimed does not answer or is somebody else's", async () => {
    const replica = await withPool(2);
    let first = true;
    home.cluster.fault = ({ method }) => {
      if (method !== "PATCH" || !first) return undefined;
      first = false;
      return { status: 422 };
    };
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "a" })).statusCode, 201);
  });

  it("replaces a pod that is handed over to somebody else already", async () => {
    const replica = await withPool(1);
    home.sandbox.status = 409;
    const answer = replica.call("POST", "/v1/sandboxes", { id: "a" });
    await eventually("it was tried", () => home.sandbox.claims.length > 0);
    home.sandbox.status = 200;
    assert.equal((await answer).statusCode, 201);
    assert.equal(
      home.cluster.livePods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === "a")
        .length,
      1,
    );
  });

  it("reaps a claim whose replica died before the hand-over", async () => {
    const long = new Date(Date.now() - 120_000).toISOString();
    home.cluster.startMs = undefined;
    const replica = await home.start();
    await replica.call("POST", "/api/sandboxes", body("a"));
    await replica.provisioner.stop();
    home.cluster.update("sandbox-a", (pod) => {
      pod.metadata.annotations = { ...pod.metadata.annotations, "sandlot.dev/claimed-at": long };
      const conditions = [{ type: "Ready", status: "True", lastTransitionTime: long as never }];
      pod.status = {
        phase: "Running",
        podIP: "127.0.0.1",
        conditions,
        containerStatuses: [{ name: "sandbox", started: true } as never],
      };
    });
    home.sandbox.claimed = false;
    await home.start();
    await eventually("it is gone", () => home.cluster.pods().length === 0);
  });

  it("follows the cluster over cut watches, and lists again only when it must", async () => {
    const replica = await home.start();
    await replica.call("POST", "/api/sandboxes", body("a"));
    const lists = () =>
      home.cluster.requests.filter(({ query, path }) => query.get("limit") !== null && path.endsWith("/pods"))
        .length;
    assert.equal(lists(), 1);
    home.cluster.cutWatches();
    home.cluster.lose("sandbox-a");
    const status = async (id: string) => (await replica.call("GET", `/api/sandboxes/${id}`)).statusCode;
    await eventually("the loss is seen", async () => (await status("a")) === 404);
    assert.equal(lists(), 1);
    await replica.call("POST", "/api/sandboxes", body("b"));
    home.cluster.lose("sandbox-b");
    home.cluster.cutWatches(true);
    await eventually("the loss is seen after a list", async () => (await status("b")) === 404);
    assert.equal(lists(), 2);
  });

  it("tells truthfully that the cluster cannot be reached, and goes on when it can", async () => {
    const replica = await home.start();
    await replica.call("POST", "/api/sandboxes", body("a"));
    home.cluster.fault = () => ({ status: 503 });
    home.cluster.cutWatches();
    assert.equal((await replica.call("GET", "/api/sandboxes/a")).statusCode, 200);
    assert.equal((await replica.call("POST", "/api/sandboxes", body("b"))).statusCode, 503);
    assert.equal((await replica.call("DELETE", "/api/sandboxes/a")).statusCode, 503);
    home.cluster.fault = () => undefined;
    assert.equal((await replica.call("POST", "/api/sandboxes", body("b"))).statusCode, 200);
    assert.equal((await replica.call("DELETE", "/api/sandboxes/a")).statusCode, 200);
  });

  it("leads nobody to an address that may be another's by now, nor says that anything is gone, while it cannot see", async () => {
    const replica = await home.start({ CLUSTER_LOST_SECONDS: "1" });
    const url = await replica.provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    const { token } = (await replica.call("POST", "/v1/sandboxes", { id: "a" })).json<{ token: string }>();
    const port = home.cluster.pods()[0]?.spec?.containers[0]?.ports?.[0]?.containerPort ?? 0;
    const routed = async (path: string): Promise<Response> =>
      fetch(url + path, { headers: { "x-sandbox-token": token, connection: "close" } });
    const paths = ["/sandboxes/a/v1/sandbox", `/sandboxes/a/ports/${port}/`];
    for (const path of paths) assert.equal((await routed(path)).status, 200, path);
    assert.equal((await routed("/sandboxes/never-was/")).status, 404);

    home.cluster.fault = () => ({ status: 503 });
    home.cluster.cutWatches();
    // What is not seen may be there at once; what was seen a moment ago is still so.
    await eventually("it knows", async () => (await routed("/sandboxes/never-was/")).status === 503);
    await eventually("the cluster is lost", async () => (await routed(paths[0] ?? "")).status === 503);
    for (const path of paths) {
      const answer = await routed(path);
      assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "2"], path);
    }
    for (const path of ["/v1/sandboxes/a", "/api/sandboxes/a", "/v1/sandboxes/never-was"])
      assert.equal((await replica.call("GET", path)).statusCode, 503, path);

    home.cluster.fault = () => undefined;
    await eventually("all is there again", async () => (await routed(paths[0] ?? "")).status === 200);
    for (const path of paths) assert.equal((await routed(path)).status, 200, path);
    assert.equal((await replica.call("GET", "/v1/sandboxes/a")).statusCode, 200);
    assert.equal((await routed("/sandboxes/never-was/")).status, 404);
  });

  it("hands nothing over to a sandbox that may be gone by now, while the API server answers and the watch does not", async () => {
    const [first, other] = [await home.start(), await home.start({ CLUSTER_LOST_SECONDS: "1" })];
    await first.call("POST", "/api/sandboxes", body("a"));
    const status = async (): Promise<number> => (await other.call("GET", "/api/sandboxes/a")).statusCode;
    await eventually("the other sees it", async () => (await status()) === 200);
    home.cluster.fault = ({ query }) =>
      query.has("watch") || query.has("limit") ? { status: 503 } : undefined;
    home.cluster.cutWatches();
    await eventually("the cluster is lost", async () => (await status()) === 503);
    const before = home.sandbox.requests.length;
    const answer = await other.call("POST", "/api/sandboxes", body("a"));
    assert.equal(answer.statusCode, 503, answer.body);
    assert.equal(home.sandbox.requests.length, before);
    home.cluster.fault = () => undefined;
    await eventually("it is seen again", async () => (await status()) === 200);
    assert.equal((await other.call("POST", "/api/sandboxes", body("a"))).statusCode, 200);
  });

  it("is not Ready while it cannot see its only cluster, and Ready again when it can", async () => {
    const replica = await home.start({ CLUSTER_LOST_SECONDS: "1" });
    const status = async () => (await replica.call("GET", "/readyz")).statusCode;
    assert.equal(await status(), 200);
    home.cluster.fault = () => ({ status: 503 });
    home.cluster.cutWatches();
    await eventually("it is not Ready", async () => (await status()) === 503);
    home.cluster.fault = () => undefined;
    await eventually("it is Ready again", async () => (await status()) === 200);
  });

  it("does not make pods of a broken image again and again", async () => {
    home.cluster.startMs = undefined;
    home.cluster.put("configmaps", environment("default", 1));
    await home.start();
    const broken = setInterval(() => {
      for (const { metadata, status } of home.cluster.livePods())
        if (status?.phase === "Pending")
          home.cluster.update(metadata.name, (pod) => {
            pod.status = Object.assign({}, pod.status, { phase: "Failed" });
          });
    }, 10);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    clearInterval(broken);
    assert.ok(home.cluster.count("POST", "/pods") <= 3, String(home.cluster.count("POST", "/pods")));
  });

  it("replaces the pool when the environment changes", async () => {
    await withPool(2);
    home.cluster.put("configmaps", environment("default", 2, { image: "example/sandbox:2" }));
    const images = () => home.cluster.livePods().map(({ spec }) => spec?.containers[0]?.image);
    await eventually(
      "the pool is of the new image",
      () => images().join() === "example/sandbox:2,example/sandbox:2",
      5_000,
    );
  });

  it("tells of pods as ready only if a create would find them", async () => {
    const replica = await withPool(1);
    home.cluster.fault = ({ method, path }) =>
      method !== "GET" && path.includes("/pods") ? { status: 403, reason: "Forbidden" } : undefined;
    home.cluster.put("configmaps", environment("default", 1, { image: "example/other:2" }));
    await eventually("it is of an old revision", async () => (await readyOf(replica)) === 0);
    assert.equal(ready(), 1);
  });

  it("keeps within the most that there may be", async () => {
    const replica = await withPool(2, { MAX_SANDBOXES: "3" });
    const answers = [];
    for (const id of ["a", "b", "c", "d"])
      answers.push((await replica.call("POST", "/api/sandboxes", body(id))).statusCode);
    assert.deepEqual(answers, [200, 200, 200, 503]);
    assert.ok(home.cluster.livePods().length <= 3);
  });

  it("waits for the last pod that there may be while it starts, and gives it to one alone", async () => {
    const replica = await withPool(1, { MAX_SANDBOXES: "2" });
    home.cluster.startMs = 800;
    assert.equal((await replica.call("POST", "/api/sandboxes", body("a"))).statusCode, 200);
    await eventually("the pool starts another", () => idle() === 1);
    const answers = await Promise.all(
      ["b", "c", "d"].map((id) => replica.call("POST", "/api/sandboxes", body(id))),
    );
    assert.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [200, 503, 503]);
    assert.equal(home.cluster.livePods().length, 2);
  });
});
