// Clocks that jump: what time it is taken to be, how old things are then, and that a provisioner ends nothing because of it.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import { PodTimes } from "../../../provisioner/src/core/pod-times.js";
import { ClusterClock } from "../../../provisioner/src/kubernetes/clock.js";
import { viewOf, type Sandbox } from "../../../provisioner/src/model/sandbox.js";
import { environment, eventually, house, metricsOf, type House, type Replica } from "./house.js";

const hour = 3_600_000;
const start = Date.parse("2026-01-02T03:04:05Z");

/** A machine's clocks, set by hand, and an API server's. */
class Clocks {
  own = start;
  server = start;
  steadyMs = 500;
  readonly said: number[] = [];
  readonly clock = new ClusterClock(
    { wall: () => this.own, steady: () => this.steadyMs },
    (seconds) => void this.said.push(Math.round(seconds)),
  );

  pass(ms: number): void {
    this.own += ms;
    this.server += ms;
    this.steadyMs += ms;
  }

  hear(tripMs = 0): void {
    this.clock.hear(new Date(this.server).toUTCString(), this.steadyMs - tripMs);
  }

  /** How far the cluster's time is from what the API server's clock says. Milliseconds. */
  off(): number {
    return Math.abs(this.clock.now().getTime() - this.server);
  }
}

describe("the time of a cluster", () => {
  it("is our own clock's, to the millisecond, while the API server's agrees with it", () => {
    const clocks = new Clocks();
    clocks.pass(1_234);
    clocks.hear();
    assert.equal(clocks.off(), 0);
    clocks.pass(777);
    assert.equal(clocks.off(), 0);
    assert.deepEqual(clocks.said, []);
  });

  for (const by of [3 * hour, -3 * hour])
    it(`is the API server's when our own clock jumps by ${by / hour} h, before and after an answer says so`, () => {
      const clocks = new Clocks();
      clocks.hear();
      clocks.own += by;
      clocks.pass(5_000);
      assert.equal(clocks.off(), 0, "seconds were counted");
      for (let i = 0; i < 3; i += 1) {
        clocks.hear();
        clocks.pass(1_300);
        assert.ok(clocks.off() <= 2_000, String(clocks.off()));
      }
      assert.deepEqual(clocks.said, [by / 1000], "it is told once");
      clocks.own -= by;
      clocks.hear();
      assert.equal(clocks.off(), 0);
    });

  it("is the API server's when a process starts with a wrong clock, and follows it when it is set", () => {
    const clocks = new Clocks();
    clocks.own += 5 * hour;
    const late = new ClusterClock({ wall: () => clocks.own, steady: () => clocks.steadyMs });
    const off = (): number => Math.abs(late.now().getTime() - clocks.server);
    late.hear(new Date(clocks.server).toUTCString(), clocks.steadyMs);
    assert.ok(off() <= 1_000);
    clocks.server -= hour;
    late.hear(new Date(clocks.server).toUTCString(), clocks.steadyMs);
    assert.ok(off() <= 1_000);
  });

  it("takes nothing from answers that were long on their way or tell no time", () => {
    const clocks = new Clocks();
    clocks.hear();
    clocks.server += hour;
    clocks.hear(2_500);
    clocks.clock.hear(undefined, clocks.steadyMs);
    clocks.clock.hear("soon", clocks.steadyMs);
    clocks.clock.hear([new Date(clocks.server).toUTCString()], clocks.steadyMs);
    assert.equal(clocks.off(), hour);
  });
});

describe("how old what is written on a pod is", () => {
  const at = (ms: number): string => new Date(ms).toISOString();

  /** Pods as a watch tells of them. */
  function watched() {
    const clocks = new Clocks();
    let tell: (pod: V1Pod, gone: boolean) => void = () => undefined;
    const source = {
      live: true,
      onChange: (listener: typeof tell) => {
        tell = listener;
        return () => undefined;
      },
    };
    const times = new PodTimes(source, clocks.clock);
    const notes = new Map<string, string>();
    const put = (changed: Record<string, number>, goneBy?: number): Sandbox => {
      for (const [key, ms] of Object.entries(changed)) notes.set(`sandlot.dev/${key}`, at(ms));
      const labels = {
        "sandlot.dev/state": "claimed",
        "sandlot.dev/sandbox-id": "a",
        "sandlot.dev/tenant": "t",
      };
      const deleted = goneBy === undefined ? {} : { deletionTimestamp: at(goneBy) as never };
      const metadata = { name: "p", uid: "u", labels, annotations: Object.fromEntries(notes), ...deleted };
      tell({ metadata }, false);
      const view = viewOf({ metadata });
      assert.ok(view.kind === "sandbox");
      return view.pod;
    };
    const claim = (now: number): Sandbox =>
      put({
        "claimed-at": now,
        "last-active-at": now,
        "expires-at": now + hour,
        "hard-expires-at": now + 24 * hour,
      });
    return { clocks, source, times, put, claim };
  }

  const near = (actual: number | undefined, expected: number, by = 2): void => {
    assert.ok(actual !== undefined && Math.abs(actual - expected) <= by, `${String(actual)} for ${expected}`);
  };

  for (const by of [3 * hour, -3 * hour]) {
    it(`is counted on when the API server's clock is set by ${by / hour} h`, () => {
      const { clocks, times, claim } = watched();
      const sandbox = claim(clocks.server);
      clocks.pass(600_000);
      clocks.own += by;
      clocks.server += by;
      clocks.hear();
      const ages = times.ages(sandbox);
      near(ages.claimed, 600);
      near(ages.active, 600);
      near(ages.expired, -3_000);
      near(ages.hardExpired, -85_800);
    });

    it(`is right of what other replicas write when a clock is set by ${by / hour} h, before and after we hear of it`, () => {
      const { clocks, times, claim, put } = watched();
      // The one that writes has heard of it, we have not: a few seconds are lost at most.
      clocks.server += by;
      near(times.ages(claim(clocks.server)).expired, -3_600, 10);
      clocks.hear();
      clocks.pass(60_000);
      const extended = put({ "expires-at": clocks.server + 2 * hour, "last-active-at": clocks.server });
      const ages = times.ages(extended);
      near(ages.expired, -7_200);
      near(ages.active, 0);
      near(ages.claimed, 60, 10);
    });

    it(`is to be written anew when the clock is set by ${by / hour} h, and not before`, () => {
      const { clocks, times, claim, put } = watched();
      const sandbox = claim(clocks.server);
      clocks.pass(600_000);
      clocks.hear();
      assert.equal(times.corrected(sandbox), undefined);
      clocks.own += by;
      assert.equal(times.corrected(sandbox), undefined, "our own clock is not what it is told by");
      clocks.server += by;
      clocks.hear();
      const right = times.corrected(sandbox);
      near(((right?.expiresAt.getTime() ?? 0) - clocks.server) / 1000, 3_000);
      near((clocks.server - (right?.lastActiveAt.getTime() ?? 0)) / 1000, 600);
      near((times.hardEnd(sandbox).getTime() - clocks.server) / 1000, 85_800);
      const anew = put({
        "expires-at": right?.expiresAt.getTime() ?? 0,
        "hard-expires-at": right?.hardExpiresAt.getTime() ?? 0,
        "last-active-at": right?.lastActiveAt.getTime() ?? 0,
      });
      assert.equal(times.corrected(anew), undefined);
      near(times.ages(anew).expired, -3_000);
      near(times.ages(anew).claimed, 600);
      near(times.ages(anew).active, 600);
    });
  }

  it("is not overdue for what is seen being deleted, whatever clock wrote when it is to be gone", () => {
    const { clocks, source, times, claim, put } = watched();
    claim(clocks.server);
    const stopping = put({}, clocks.server + 5_000 - 3 * hour);
    near(times.ages(stopping).overdue, 0);
    clocks.pass(60_000);
    near(times.ages(stopping).overdue, 60);
    // Of what was there before we were, only the clock tells.
    source.live = false;
    near(times.ages(put({}, clocks.server - 60_000)).overdue, 60);
  });

  it("is taken from the clock for what was there before we were", () => {
    const { clocks, source, times, claim } = watched();
    source.live = false;
    const sandbox = claim(clocks.server - 600_000);
    near(times.ages(sandbox).claimed, 600);
    near(times.ages(sandbox).expired, -3_000);
    source.live = true;
    clocks.pass(10_000);
    near(times.ages(sandbox).active, 610);
  });
});

describe("the provisioner, with clocks that jump", () => {
  let home: House;
  let replica: Replica;

  const claimed = (id: string) =>
    home.cluster.livePods().find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id);
  const idle = () =>
    home.cluster.livePods().filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "idle");
  const told = async (id: string): Promise<{ expiresAt: string; lastActiveAt: string }> =>
    (await replica.call("GET", `/v1/sandboxes/${id}`)).json();
  /** How long it still has, by a clock. Seconds. */
  const left = async (id: string, aheadMs: number): Promise<number> =>
    (Date.parse((await told(id)).expiresAt) - Date.now() - aheadMs) / 1000;

  beforeEach(async () => {
    home = await house();
    home.cluster.put("configmaps", environment("default", 2));
    replica = await home.start();
    await eventually("the pool is full", () => idle().length === 2);
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "before" })).statusCode, 201);
    const idler = { id: "idler", softTimeoutSeconds: 86_400, idleTimeoutSeconds: 3_600 };
    assert.equal((await replica.call("POST", "/v1/sandboxes", idler)).statusCode, 201);
    await eventually("the pool is full again", () => idle().length === 2);
  });

  afterEach(() => home.end());

  /** Whoever was there is there, in the pods that they were; nobody is there twice; the pool is the one that it was. */
  async function nothingChangedFor(ms: number, ...ids: string[]): Promise<void> {
    const before = home.cluster.pods().map(({ metadata }) => metadata.uid);
    const writes = () => [home.cluster.count("POST", "/pods"), home.cluster.count("DELETE", "/pods")];
    const written = writes();
    await sleep(ms);
    assert.deepEqual(writes(), written);
    assert.deepEqual(
      home.cluster.livePods().map(({ metadata }) => metadata.uid),
      before,
    );
    for (const id of ids) assert.ok(claimed(id), id);
  }

  it("ends nothing and makes nothing anew when its own clock jumps by hours and back, and tells the true time", async () => {
    for (const by of [3 * hour, 0, -3 * hour, 0]) {
      home.aheadMs = by;
      await nothingChangedFor(1_300, "before", "idler");
      const id = `at-${by / hour}-${home.cluster.requests.length}`;
      assert.equal((await replica.call("POST", "/v1/sandboxes", { id })).statusCode, 201);
      const seconds = await left(id, 0);
      assert.ok(Math.abs(seconds - 3_600) < 5, `${seconds} s`);
      await eventually("the pool is full again", () => idle().length === 2);
    }
    assert.ok(Math.abs((await left("before", 0)) - 3_595) < 15);
  });

  it("ends nothing when the API server's clock jumps too, and writes anew what is told", async () => {
    for (const by of [3 * hour, 0]) {
      home.aheadMs = home.cluster.aheadMs = by;
      await nothingChangedFor(1_300, "before", "idler");
      await eventually(
        "the time that is told is right",
        async () => Math.abs((await left("before", by)) - 3_595) < 20,
      );
      const { lastActiveAt } = await told("idler");
      assert.ok(Math.abs(Date.parse(lastActiveAt) - Date.now() - by) < 20_000, lastActiveAt);
    }
    // A replica that starts now reads what is written. Idle pods are old to it, and are replaced.
    home.aheadMs = home.cluster.aheadMs = 3 * hour;
    await eventually(
      "it is right again",
      async () => Math.abs((await left("before", 3 * hour)) - 3_595) < 30,
    );
    const sandboxes = () => ["before", "idler"].map((id) => claimed(id)?.metadata.uid);
    const before = sandboxes();
    await replica.provisioner.stop();
    replica = await home.start();
    await sleep(3_000);
    assert.deepEqual(sandboxes(), before);
  });

  it("ends what is over at its time, although clocks were set back", async () => {
    const short = { id: "short", softTimeoutSeconds: 4 };
    assert.equal((await replica.call("POST", "/v1/sandboxes", short)).statusCode, 201);
    const since = performance.now();
    home.aheadMs = home.cluster.aheadMs = -3 * hour;
    await eventually("it is reaped", () => claimed("short") === undefined);
    const lived = (performance.now() - since) / 1000;
    assert.ok(lived > 3.5 && lived < 7, `${lived} s`);
    assert.ok(claimed("before"));
  });

  it("goes by the API server's clock when it starts with a wrong one", async () => {
    await replica.provisioner.stop();
    home.aheadMs = 30 * hour;
    replica = await home.start();
    await nothingChangedFor(2_500, "before", "idler");
    await replica.provisioner.stop();
    home.aheadMs = -30 * hour;
    replica = await home.start();
    const { statusCode } = await replica.call("POST", "/v1/sandboxes/before/extend", { seconds: 7_200 });
    assert.equal(statusCode, 200);
    assert.ok(Math.abs((await left("before", 0)) - 7_200) < 5);
  });

  it("has one leader, whatever its clocks say", async () => {
    const other = await home.start();
    const holder = async (): Promise<string> => {
      return [await metricsOf(replica), await metricsOf(other)]
        .map((text) => /^sandlot_provisioner_leader\S* (\d)$/m.exec(text)?.[1] ?? "")
        .join("");
    };
    const first = await holder();
    assert.match(first, /^(10|01)$/);
    for (const by of [3 * hour, -3 * hour]) {
      home.aheadMs = by;
      for (let i = 0; i < 6; i += 1) {
        assert.equal(await holder(), first);
        await sleep(500);
      }
    }
  });
});
