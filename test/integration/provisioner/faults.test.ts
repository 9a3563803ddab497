// What a provisioner on a real cluster survives. After each fault: the caller got a truthful answer, no sandbox is lost, none is
// there twice, and nothing is left over. It prints the table of what was survived.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import { eventually } from "../support/cluster.js";
import { FaultTable } from "../support/fault-table.js";
import { ShiftedClock } from "../support/shifted-clock.js";
import { FaultyApi, type Fate, type PassingRequest } from "./faulty-api.js";
import { Stage, type Replica } from "./stage.js";

interface Described {
  readonly id: string;
  readonly state: string;
  readonly url: string;
  readonly token: string;
  readonly expiresAt: string;
  readonly reason?: string;
}

const poolSize = 2;

describe("faults of the provisioner", function () {
  this.timeout(180_000);
  let stage: Stage;
  let api: FaultyApi;
  let replica: Replica;
  let clock: ShiftedClock;
  const survived = new FaultTable();

  const start = (more: Record<string, string> = {}): Promise<Replica> =>
    stage.replica({
      ...{ KUBECONFIG_PATH: api.kubeconfig, API_PATIENCE_SECONDS: "5" },
      ...clock.variables,
      ...more,
    });
  const create = (id: string, from = replica) => from.call<Described>("POST", "/v1/sandboxes", { id });
  const statusOf = async (id: string): Promise<number> =>
    (await replica.call("GET", `/v1/sandboxes/${id}`)).status;
  const shownAs = async (id: string): Promise<string> =>
    (await replica.call<Described>("GET", `/v1/sandboxes/${id}`)).body.state;
  const podsOf = async (id: string): Promise<V1Pod[]> =>
    (await stage.pods()).filter(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] === id);
  const stateOf = ({ metadata }: V1Pod): string | undefined => metadata?.labels?.["sandlot.dev/state"];

  /** The sandbox runs a command with its token; without it, it does not. */
  async function works({ url, token }: Described): Promise<void> {
    const run = (headers: Record<string, string>) =>
      fetch(`${url}/v1/bash/exec`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ command: "echo $((6*7))" }),
      });
    const answer = (await (await run({ "x-sandbox-token": token })).json()) as { data: { stdout: string } };
    assert.equal(answer.data.stdout.trim(), "42");
    assert.equal((await run({})).status, 401);
  }

  /** Nothing is there but a full pool and these sandboxes, each once, each pod with its Service and each Service with its pod. */
  async function nothingElse(...ids: string[]): Promise<void> {
    await eventually(
      `a full pool and ${ids.join(", ") || "nothing"} else`,
      async () => {
        const pods = await stage.pods();
        const claimed = pods.filter((pod) => stateOf(pod) === "claimed");
        const names = claimed.map(({ metadata }) => metadata?.labels?.["sandlot.dev/sandbox-id"] ?? "");
        const { items: services } = await stage.core.listNamespacedService({ namespace: stage.namespace });
        return (
          pods.length - claimed.length === poolSize &&
          JSON.stringify(names.sort()) === JSON.stringify([...ids].sort()) &&
          services.length === pods.length
        );
      },
      60,
    );
  }

  /** The n-th write meets a fate; everything before and after it passes. */
  function atWrite(
    nth: number,
    fate: Fate,
    selects: (request: PassingRequest) => boolean = () => true,
  ): void {
    let seen = 0;
    api.fate = (request) => {
      if (!request.write || !selects(request)) return "pass";
      seen += 1;
      return seen === nth ? fate : "pass";
    };
  }

  /** Kills the provisioner at a write, before or after it is carried out, while `call` is under way; starts another. */
  async function killedAt(
    nth: number,
    when: "before" | "after",
    call: () => Promise<unknown>,
    selects?: (request: PassingRequest) => boolean,
  ): Promise<void> {
    const killed = new Promise<void>((resolve, reject) => {
      const kill = (): Promise<void> => replica.kill("SIGKILL").then(resolve, reject);
      atWrite(nth, when === "after" ? "lose" : "cut", selects);
      if (when === "after") api.onLost = kill;
      else {
        const choose = api.fate;
        api.fate = async (request) => {
          const fate = await choose(request);
          if (fate === "cut") await kill();
          return fate;
        };
      }
    });
    const answer = await call().then(
      () => "answered",
      () => "cut",
    );
    assert.equal(answer, "cut", "who is killed answers nothing");
    await killed;
    api.heal();
    replica = await start();
  }

  async function full(): Promise<void> {
    await eventually(
      "the pool is full",
      async () => {
        const { body } = await replica.call<{ items: { pool: { ready: number } }[] }>(
          "GET",
          "/v1/environments",
        );
        return body.items[0]?.pool.ready === poolSize;
      },
      90,
    );
  }

  /** One row of the table. */
  const survives = (fault: string, outcome: string, body: () => Promise<void>): void => {
    it(`${fault}: ${outcome}`, async () => {
      await full();
      try {
        await survived.row(fault, outcome, body);
      } finally {
        await tidy();
      }
    });
  };

  /** What a row that failed has left must not fail the next. */
  async function tidy(): Promise<void> {
    api.heal();
    await clock.set(0);
    if (replica.process.signalCode !== null || replica.process.exitCode !== null) replica = await start();
    await stage.environment(poolSize);
    const { body } = await replica.call<{ items: { id: string }[] }>("GET", "/v1/sandboxes");
    await Promise.all(body.items.map(({ id }) => replica.call("DELETE", `/v1/sandboxes/${id}`)));
  }

  const destroy = async (id: string): Promise<void> => {
    assert.ok([204, 404].includes((await replica.call("DELETE", `/v1/sandboxes/${id}`)).status), id);
  };
  const remove = async (...ids: string[]): Promise<void> => {
    for (const id of ids) await destroy(id);
    await nothingElse();
  };

  before(async () => {
    stage = new Stage(`sandlot-faults-${process.pid}`);
    api = new FaultyApi();
    clock = new ShiftedClock();
    await Promise.all([stage.set(poolSize), api.start()]);
    replica = await start();
    await full();
  });

  after(async () => {
    survived.print();
    api.heal();
    await replica.kill("SIGTERM");
    await stage.strike();
    api.stop();
    clock.remove();
  });

  survives("killed before the claim's write", "nothing was claimed; the same create works", async () => {
    await killedAt(1, "before", () => create("a"));
    assert.equal(await statusOf("a"), 404);
    const { status, body } = await create("a");
    assert.equal(status, 201);
    await works(body);
    await nothingElse("a");
    await remove("a");
  });

  survives(
    "killed after the claim's write, before the hand-over",
    "the same create hands over that pod",
    async () => {
      await killedAt(1, "after", () => create("b"));
      const [pod] = await podsOf("b");
      const { status, body } = await create("b");
      assert.equal(status, 200, "it was there");
      await works(body);
      assert.deepEqual(
        (await podsOf("b")).map(({ metadata }) => metadata?.uid),
        [pod?.metadata?.uid],
      );
      await nothingElse("b");
      await remove("b");
    },
  );

  survives(
    "killed between a cold pod and its Service",
    "the Service is made; the same create works",
    async () => {
      await stage.environment(0);
      await eventually("the pool is empty", async () => (await stage.pods()).length === 0);
      await killedAt(
        1,
        "after",
        () => create("c"),
        ({ method, resource }) => method === "POST" && resource === "pods",
      );
      const { status, body } = await create("c");
      assert.equal(status, 200);
      await works(body);
      await stage.environment(poolSize);
      await nothingElse("c");
      await remove("c");
    },
  );

  survives(
    "killed before and after a delete's write",
    "it is there until it is gone, never half",
    async () => {
      const { body } = await create("d");
      await killedAt(
        1,
        "before",
        () => replica.call("DELETE", "/v1/sandboxes/d"),
        ({ method }) => method === "DELETE",
      );
      assert.equal(await statusOf("d"), 200);
      await works(body);
      await killedAt(
        1,
        "after",
        () => replica.call("DELETE", "/v1/sandboxes/d"),
        ({ method }) => method === "DELETE",
      );
      assert.equal(await statusOf("d"), 404);
      await nothingElse();
    },
  );

  survives("killed while the pool is refilled", "no more idle pods than there should be", async () => {
    const pool = ({ method, resource }: PassingRequest): boolean => method === "POST" && resource === "pods";
    const killed = killedAt(
      1,
      "after",
      async () => {
        await create("e");
        await eventually("it is killed", () => Promise.resolve(replica.process.signalCode !== null));
        throw new Error("killed");
      },
      pool,
    );
    await killed;
    await nothingElse("e");
    await remove("e");
  });

  survives("a claim whose answer is lost on the way", "tried again, and found to be ours", async () => {
    atWrite(1, "lose");
    const { status, body } = await create("f");
    assert.equal(status, 201);
    await works(body);
    assert.equal((await podsOf("f")).length, 1);
    await remove("f");
  });

  survives(
    "the answer to a claim breaks off in the middle",
    "tried again, and found to be ours",
    async () => {
      atWrite(1, "break");
      const { status, body } = await create("broken");
      assert.equal(status, 201);
      await works(body);
      assert.equal((await podsOf("broken")).length, 1);
      await remove("broken");
    },
  );

  survives(
    "a storm of conflicts",
    "the create waits it out or says so, and leaves nothing half",
    async () => {
      let left = 8;
      api.fate = ({ write }) => (write && (left -= 1) >= 0 ? 409 : "pass");
      const { status } = await create("g");
      assert.ok([200, 201, 503].includes(status), String(status));
      api.heal();
      const again = await create("g");
      assert.ok([200, 201].includes(again.status));
      await works(again.body);
      assert.equal((await podsOf("g")).length, 1);
      await remove("g");
    },
  );

  survives(
    "the API server stands still for 12 s while four sandboxes are asked for at once",
    "each gets one of its own",
    async () => {
      const ids = ["still-1", "still-2", "still-3", "still-4"];
      const end = performance.now() + 12_000;
      api.fate = async (): Promise<Fate> => {
        await sleep(Math.max(0, end - performance.now()));
        return "pass";
      };
      const made = await Promise.all(ids.map((id) => create(id)));
      api.heal();
      for (const { status, body } of made) assert.equal(status, 201, JSON.stringify(body));
      for (const { body } of made) {
        await eventually("it runs", async () => (await shownAs(body.id)) === "running", 60);
        await works(body);
      }
      await nothingElse(...ids);
      await remove(...ids);
    },
  );

  survives("every watch is cut while a sandbox's pod is deleted", "its end is seen", async () => {
    await create("h");
    const [pod] = await podsOf("h");
    api.fate = ({ watch }) => (watch ? "cut" : "pass");
    api.cutWatches();
    await stage.core.deleteNamespacedPod({
      ...{ name: pod?.metadata?.name ?? "", namespace: stage.namespace, gracePeriodSeconds: 0 },
    });
    api.heal();
    await eventually("it is gone", async () => (await statusOf("h")) === 404, 60);
    await nothingElse();
  });

  survives(
    "the API server cannot be reached for 30 s",
    "sandboxes go on; creates say 503, and work again",
    async () => {
      const { body: before } = await create("i");
      api.goDark();
      const end = performance.now() + 30_000;
      const { status, headers } = await create("j");
      assert.deepEqual([status, headers.get("retry-after") !== null], [503, true]);
      while (performance.now() < end) {
        await works(before);
        assert.notEqual(await statusOf("i"), 404, "what cannot be asked is not absent");
        await sleep(2_000);
      }
      api.heal();
      const after = await eventually(
        "creates work",
        async () => {
          const answer = await create("j");
          return [200, 201].includes(answer.status) && answer.body;
        },
        60,
      );
      await works(after);
      await works(before);
      await nothingElse("i", "j");
      await remove("i", "j");
    },
  );

  survives(
    "it is told to stop while the API server cannot be reached",
    "commands under way end, and it goes at once after them",
    async () => {
      const { body: made } = await create("stopping");
      api.goDark();
      const started = performance.now();
      const underWay = fetch(`${replica.url}/sandboxes/stopping/v1/bash/exec`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sandbox-token": made.token },
        body: JSON.stringify({ command: "sleep 8; echo done", hard_timeout: 30 }),
      });
      await sleep(1_000);
      const [answer] = await Promise.all([underWay, replica.kill("SIGTERM")]);
      const seconds = (performance.now() - started) / 1000;
      const { data } = (await answer.json()) as { data: { stdout: string } };
      assert.equal(data.stdout.trim(), "done");
      assert.equal(replica.process.exitCode, 0);
      assert.ok(seconds < 20, `${seconds} s`);
      api.heal();
      replica = await start();
      await works(made);
      await nothingElse("stopping");
      await remove("stopping");
    },
  );

  survives("a sandbox's pod is evicted", "it is gone, and the same create makes another", async () => {
    await create("k");
    const [pod] = await podsOf("k");
    const name = pod?.metadata?.name ?? "";
    const { namespace } = stage;
    await stage.core.createNamespacedPodEviction({
      ...{ name, namespace, body: { metadata: { name, namespace } } },
    });
    await eventually("it is gone", async () => (await statusOf("k")) === 404);
    const { status, body } = await create("k");
    assert.equal(status, 201);
    await works(body);
    await remove("k");
  });

  survives(
    "a sandbox takes more memory than it may",
    "failed is said, and the same create makes another",
    async () => {
      const { body: made } = await create("l");
      void fetch(`${made.url}/v1/bash/exec`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-sandbox-token": made.token },
        body: JSON.stringify({ command: "python3 -c 'x = bytearray(2 << 30)'", hard_timeout: 30 }),
      }).catch(() => undefined);
      const state = await eventually(
        "it is over, or held its limit",
        async () => {
          const { status, body } = await replica.call<Described>("GET", "/v1/sandboxes/l");
          return status === 200 && body.state === "failed" && body;
        },
        60,
      );
      assert.ok(state.reason !== undefined, "the reason is told");
      const { status, body } = await create("l");
      assert.equal(status, 201);
      await works(body);
      assert.equal((await podsOf("l")).length, 1);
      await remove("l");
    },
  );

  survives(
    "two replicas are asked for the same ids at once",
    "both give the same sandboxes, each once",
    async () => {
      const other = await start();
      try {
        const ids = ["m1", "m2", "m3"];
        await Promise.all(
          ids.map(async (id) => {
            const [one, two] = await Promise.all([create(id), create(id, other)]);
            for (const { status, body } of [one, two])
              assert.ok([200, 201].includes(status), JSON.stringify(body));
            assert.equal(one.body.token, two.body.token, "a token is of one pod");
            await eventually("it runs", async () => {
              const { body } = await replica.call<Described>("GET", `/v1/sandboxes/${id}`);
              return body.state === "running";
            });
            await works((await replica.call<Described>("GET", `/v1/sandboxes/${id}`)).body);
          }),
        );
        await nothingElse(...ids);
        await remove(...ids);
      } finally {
        await other.kill("SIGTERM");
      }
    },
  );

  const hour = 3_600_000;
  /** How far from an hour a sandbox of the default lifetime is, by a clock that is so far ahead. Seconds. */
  const offAnHour = ({ expiresAt }: Described, aheadMs: number): number =>
    Math.abs(Date.parse(expiresAt) - Date.now() - aheadMs - hour) / 1000;
  const uids = async (): Promise<string[]> =>
    (await stage.pods()).map(({ metadata }) => metadata?.uid ?? "").sort();

  survives(
    "its clock jumps 3 h ahead, 3 h back, and to the true time",
    "nothing ends or is made anew; times told are true",
    async () => {
      const { body: before } = await create("n");
      await nothingElse("n");
      const pods = await uids();
      for (const aheadMs of [3 * hour, -3 * hour, 0]) {
        await clock.set(aheadMs);
        await sleep(3_200);
        assert.deepEqual(await uids(), pods);
        await works(before);
        const { status, body } = await create("o");
        assert.equal(status, 201);
        await works(body);
        assert.ok(offAnHour(body, 0) < 5, `${body.expiresAt} is not an hour away`);
        await destroy("o");
        await nothingElse("n");
        pods.splice(0, pods.length, ...(await uids()));
      }
      await remove("n");
    },
  );

  survives(
    "the API server's clock jumps with it, 3 h ahead and back",
    "nothing ends or is made anew; times are told anew",
    async () => {
      const { body: before } = await create("p");
      await nothingElse("p");
      const pods = await uids();
      for (const aheadMs of [3 * hour, 0]) {
        api.aheadMs = aheadMs;
        await clock.set(aheadMs);
        await eventually("the time that is told is right", async () => {
          const { body } = await replica.call<Described>("GET", "/v1/sandboxes/p");
          return offAnHour(body, aheadMs) < 60;
        });
        assert.deepEqual(await uids(), pods);
        await works(before);
      }
      await remove("p");
    },
  );
});
