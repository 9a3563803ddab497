// Pools that follow use: the arithmetic for any use, and a provisioner that keeps to it.
import assert from "node:assert/strict";

import fc from "fast-check";

import { PoolSizes } from "../../../provisioner/src/core/pool-sizes.js";
import { readEnvironment } from "../../../provisioner/src/model/environment.js";
import {
  bounded,
  idleFor,
  recommend,
  together,
  type PoolTarget,
  type Recommendation,
} from "../../../provisioner/src/model/pool-size.js";
import { environment, eventually, house, metricsOf, type House, type Replica } from "./house.js";

const share = fc.integer({ min: 1, max: 99 });
const pool = fc
  .record({ size: fc.nat(20), more: fc.integer({ min: 1, max: 20 }), targetUtilization: share })
  .map(
    ({ size, more, targetUtilization }): PoolTarget => ({
      size,
      autoscaling: { max: size + more, targetUtilization, scaleDownSeconds: 300 },
    }),
  );

describe("the arithmetic of a pool that follows use", () => {
  it("has the fewest idle pods with which no more than the target's share of all is somebody's", () => {
    assert.deepEqual(
      [0, 1, 4, 5, 8].map((claimed) => idleFor(claimed, 80)),
      [0, 1, 1, 2, 2],
    );
    fc.assert(
      fc.property(fc.nat(100_000), share, (claimed, target) => {
        const idle = idleFor(claimed, target);
        assert.ok(100 * claimed <= target * (claimed + idle));
        assert.ok(idle === 0 || 100 * claimed > target * (claimed + idle - 1));
      }),
    );
  });

  it("stays within its bounds, and is its number where it follows nothing", () => {
    fc.assert(
      fc.property(fc.nat(1000), pool, (idle, target) => {
        const size = bounded(idle, target);
        assert.ok(size >= target.size && size <= (target.autoscaling?.max ?? 0));
        assert.ok(size === idle || idle < target.size || idle > size);
        assert.equal(bounded(idle, { size: target.size }), target.size);
      }),
    );
  });

  it("is the highest that was wanted within the window, and remembers no more than it needs for that", () => {
    const steps = fc.array(fc.tuple(fc.nat(50), fc.nat(30)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.nat(120), (given, windowSeconds) => {
        const all: Recommendation[] = [];
        let kept: readonly Recommendation[] = [];
        let at = 0;
        for (const [seconds, idle] of given) {
          all.push({ at: (at += seconds), idle });
          kept = recommend(kept, { at, idle }, windowSeconds);
          const now = at;
          const within = all.filter((one) => one === all.at(-1) || now - one.at < windowSeconds);
          assert.equal(kept[0]?.idle, Math.max(...within.map((one) => one.idle)));
          for (const [place, one] of kept.entries())
            assert.ok(place === 0 || one.idle < (kept[place - 1]?.idle ?? 0));
        }
      }),
    );
  });

  it("adds up over clusters", () => {
    const either = fc.oneof(
      pool,
      fc.nat(20).map((size): PoolTarget => ({ size })),
    );
    fc.assert(
      fc.property(either, either, fc.nat(100), fc.nat(100), (one, other, first, second) => {
        const both = together(one, other);
        const sum = bounded(first, one) + bounded(second, other);
        assert.equal(both.size, one.size + other.size);
        assert.ok(sum >= both.size && sum <= (both.autoscaling?.max ?? both.size));
      }),
    );
  });
});

describe("the size of a pool that follows use", () => {
  const record = (pool: PoolTarget) => {
    const { data } = environment("e", 0, { pool }) as unknown as { data: Record<string, string> };
    const read = readEnvironment("e", data["environment.json"]);
    assert.ok(typeof read === "object");
    return read;
  };
  const autoscaling = { max: 10, targetUtilization: 50, scaleDownSeconds: 300 };

  function sizes(idle: number, target: PoolTarget) {
    const world = { at: 0, inUse: 0, current: true, pool: target };
    const made = new PoolSizes(
      {
        directory: {
          get current() {
            return world.current;
          },
          idle: () => Array.from({ length: idle }, () => ({}) as never),
          inUse: () => world.inUse,
        },
        environments: { get: (name) => (name === "e" ? record(world.pool) : undefined) },
      },
      () => world.at,
    );
    return { world, size: () => made.size("e"), other: () => made.size("none") };
  }

  it("grows at once, and shrinks when less has been enough for the whole window", () => {
    const { world, size, other } = sizes(0, { size: 1, autoscaling });
    assert.equal(size(), 1);
    world.inUse = 6;
    assert.equal(size(), 6);
    world.inUse = 2;
    for (world.at = 1; world.at < 300; world.at += 1) assert.equal(size(), 6);
    assert.equal(size(), 2);
    world.inUse = 90;
    assert.equal(size(), 10);
    assert.equal(other(), 0);
  });

  it("begins with what is there, so that another leader or another record takes nothing away at once", () => {
    const { world, size } = sizes(7, { size: 1, autoscaling });
    assert.equal(size(), 7);
    world.at = 299;
    assert.equal(size(), 7);
    world.at = 300;
    assert.equal(size(), 1);
  });

  it("holds what it knows while the cluster cannot be watched, and lowered bounds hold at once", () => {
    const { world, size } = sizes(0, { size: 1, autoscaling });
    world.inUse = 6;
    assert.equal(size(), 6);
    Object.assign(world, { current: false, inUse: 0, at: 1000 });
    assert.equal(size(), 6);
    Object.assign(world, {
      current: true,
      inUse: 6,
      pool: { size: 1, autoscaling: { ...autoscaling, max: 3 } },
    });
    assert.equal(size(), 3);
    world.pool = { size: 2 };
    assert.equal(size(), 2);
  });

  it("refuses a record that cannot be kept to, and says why; one with a number alone is as good as ever", () => {
    const read = (pool: unknown) => {
      const { data } = environment("e", 0, { pool }) as unknown as { data: Record<string, string> };
      return readEnvironment("e", data["environment.json"]);
    };
    const good = { max: 5, targetUtilization: 80 };
    for (const [wrong, says] of [
      [{ size: 501 }, "pool.size: is 501, but must be a whole number from 0 to 500"],
      [{}, "pool.size: is not set, but must be a whole number from 0 to 500"],
      [
        { size: 6, autoscaling: good },
        "pool.autoscaling.max: is 5, but must be at least pool.size, which is 6",
      ],
      [
        { size: 0, autoscaling: { ...good, max: 0.5 } },
        "pool.autoscaling.max: is 0.5, but must be a whole number from 1 to 500",
      ],
      [
        { size: 0, autoscaling: { ...good, targetUtilization: 100 } },
        "pool.autoscaling.targetUtilization: is 100, but must be a whole number of percent from 1 to 99",
      ],
      [
        { size: 0, autoscaling: { ...good, scaleDownSeconds: "5m" } },
        'pool.autoscaling.scaleDownSeconds: is "5m", but must be a whole number of seconds from 0 to 3600',
      ],
    ] as const)
      assert.equal(read(wrong), `its environment.json is wrong at ${says}`);
    const old = read({ size: 3 });
    assert.deepEqual(typeof old === "object" && old.pool, { size: 3 });
  });
});

describe("a pool that follows use", () => {
  let home: House;
  beforeEach(async () => {
    home = await house();
  });
  afterEach(() => home.end());

  const following = (max: number, scaleDownSeconds: number) =>
    environment("pooled", 0, {
      pool: { size: 1, autoscaling: { max, targetUtilization: 50, scaleDownSeconds } },
    });
  const shown = async (replica: Replica) => {
    const { items } = (await replica.call("GET", "/v1/environments")).json<{
      items: { name: string; pool: { size: number; ready: number; autoscaling?: object } }[];
    }>();
    return items.find(({ name }) => name === "pooled")?.pool;
  };
  const create = (replica: Replica, id: string) =>
    replica.call("POST", "/v1/sandboxes", { id, environment: "pooled" });

  it("fills as sandboxes are claimed, tells so, and empties when they have been gone for long enough", async () => {
    home.cluster.put("configmaps", following(5, 1));
    const replica = await home.start();
    await eventually("one is ready", async () => (await shown(replica))?.ready === 1);
    for (const id of ["one", "two", "three"]) assert.equal((await create(replica, id)).statusCode, 201);
    await eventually("three are ready", async () => (await shown(replica))?.ready === 3);
    assert.deepEqual(await shown(replica), {
      size: 3,
      ready: 3,
      autoscaling: { min: 1, max: 5, targetUtilization: 50, scaleDownSeconds: 1 },
    });
    assert.match(
      await metricsOf(replica),
      /^sandlot_provisioner_pool\{environment="pooled",state="desired"\} 3$/m,
    );
    for (const id of ["one", "two", "three"]) await replica.call("DELETE", `/v1/sandboxes/${id}`);
    await eventually("one is left", async () => {
      const now = await shown(replica);
      return now?.size === 1 && now.ready === 1;
    });
  });

  it("is not larger for sandboxes that no idle pod would have done for, but is for one that found none", async () => {
    home.cluster.put("configmaps", following(5, 1));
    // No pod becomes Ready, so that all start cold.
    home.cluster.startMs = undefined;
    const replica = await home.start({ READY_TIMEOUT_SECONDS: "1", USERDATA_PVC_NAME: "data" });
    const small = { resources: { limits: { cpu: "500m" } } };
    const cold = [
      { id: "small", ...small },
      { id: "data", userData: { userId: "u" } },
      { id: "plain", env: { A: "b" } },
      { id: "other" },
    ];
    const made = cold.map((body) =>
      replica.call("POST", "/v1/sandboxes", { environment: "pooled", ...body }),
    );
    for (const { statusCode, body } of await Promise.all(made)) assert.equal(statusCode, 201, body);
    assert.equal((await shown(replica))?.size, 2);
    const names = home.cluster.pods().map(({ metadata }) => metadata.name);
    for (const { id } of cold) assert.ok(names.includes(`sandbox-${id}`), id);
    // A replica that has yet to see them counts alike.
    const other = await home.start();
    await eventually("another replica knows", async () => (await shown(other))?.size === 2);
  });

  it("never has more pods than there may be, idle ones and sandboxes together", async () => {
    home.cluster.put("configmaps", following(20, 300));
    const replica = await home.start({ MAX_SANDBOXES: "7", POOL_MAX_STARTING: "2" });
    const pods = (): number => home.cluster.pods().length;
    for (const id of ["one", "two", "three", "four", "five"]) {
      assert.equal((await create(replica, id)).statusCode, 201);
      assert.ok(pods() <= 7, `${pods()} pods`);
    }
    await eventually("the room is used", async () => (await shown(replica))?.ready === 2);
    assert.equal((await shown(replica))?.size, 5);
    assert.equal(pods(), 7);
  });
});
