// When a sandbox counts as used, who gets to know of it and when, and what its own server has to say before it ends for idleness.
import assert from "node:assert/strict";

import { ActivityLog, unseenSeconds } from "../../../provisioner/src/core/activity.js";
import type { Directory, SandboxListener } from "../../../provisioner/src/core/directory.js";
import type { PodTimes } from "../../../provisioner/src/core/pod-times.js";
import { Reaper, type ReaperParts } from "../../../provisioner/src/core/reaper.js";
import type { ClusterClock } from "../../../provisioner/src/kubernetes/clock.js";
import type { Namespace } from "../../../provisioner/src/kubernetes/namespace.js";
import type { Sandbox } from "../../../provisioner/src/model/sandbox.js";
import { eventually, house, type House } from "./house.js";

/** A log of one sandbox, whose pod says that it was last used when time was 0; time is set by hand, in seconds. */
function logOf(given: Partial<Sandbox> = {}) {
  const sandbox = {
    ...{ podUid: "u", podName: "p", state: "running", idleSeconds: 600, everReady: true, guarded: false },
    ...given,
  } as Sandbox;
  const told: SandboxListener[] = [];
  const time = { seconds: 0, written: 0 };
  const directory = {
    sandboxes: () => [sandbox],
    onChange: (listener: SandboxListener) => told.push(listener),
  } as unknown as Directory;
  const ages = () => {
    const active = time.seconds - time.written;
    return { claimed: active, changed: active, active, expired: -1e6, hardExpired: -1e6, overdue: undefined };
  };
  const clock = {
    get steadyMs() {
      return time.seconds * 1000;
    },
    now: () => new Date(time.seconds * 1000),
  } as unknown as ClusterClock;
  const log = new ActivityLog(directory, { ages } as unknown as PodTimes, clock);
  let patches = 0;
  const namespace = {
    patchPod: (_: string, operations: { path: string; value: string }[]) => {
      patches += 1;
      time.written = Date.parse(operations.at(-1)?.value ?? "") / 1000;
      return Promise.resolve();
    },
  } as unknown as Namespace;
  const tell = (gone: boolean): void => {
    for (const listener of told) listener(sandbox, gone);
  };
  tell(false);
  /** What is written after a look at the time. */
  const flushed = async (seconds: number): Promise<number> => {
    const before = patches;
    time.seconds = seconds;
    await log.flush(namespace);
    return patches - before;
  };
  /** What is written at the end. */
  const end = async (): Promise<number> => {
    const before = patches;
    await log.flushAll(namespace);
    return patches - before;
  };
  return { sandbox, directory, log, time, tell, flushed, end };
}

describe("the activity of a sandbox", () => {
  it("is written once a minute while it is used all the time", async () => {
    const { log, sandbox, flushed } = logOf();
    let writes = 0;
    for (let second = 2; second <= 600; second += 2) {
      log.touch(sandbox);
      writes += await flushed(second);
    }
    assert.ok(writes >= 9 && writes <= 11, String(writes));
  });

  it("is written in time for the replica that reaps, however little of it there is", async () => {
    const { log, sandbox, time, flushed } = logOf();
    time.seconds = 40;
    log.touch(sandbox);
    assert.equal(await flushed(42), 0);
    assert.equal(await flushed(588), 0);
    assert.equal(await flushed(590), 1, "what is written would end it in ten seconds");
    assert.equal(time.written, 40);
    assert.equal(await flushed(630), 0, "nothing new");
    time.seconds = 639;
    log.touch(sandbox);
    assert.equal(await flushed(641), 1, "within what the other waits after the timeout");
    assert.ok(641 < 40 + 600 + unseenSeconds);
  });

  it("is written by a replica that ends, however lately it was written before", async () => {
    const { log, sandbox, time, flushed, end } = logOf();
    time.seconds = 40;
    log.touch(sandbox);
    assert.equal(await flushed(42), 0);
    assert.equal(await end(), 1);
    assert.equal(time.written, 40);
    assert.equal(await end(), 0, "nothing new");
    const unused = logOf();
    unused.time.seconds = 40;
    assert.equal(await unused.end(), 0, "nothing seen");
  });

  it("is not noted of what has gone: what was open to it ends later", () => {
    const { log, sandbox, time, tell } = logOf();
    time.seconds = 100;
    log.touch(sandbox);
    assert.equal(log.ages(sandbox).active, 0);
    tell(true);
    log.touch(sandbox);
    assert.equal(log.ages(sandbox).active, 100);
    tell(false);
    log.touch(sandbox);
    assert.equal(log.ages(sandbox).active, 0, "one that is there");
  });
});

describe("the end of an idle sandbox", () => {
  /** A reaper, what it asked with and what it deleted. */
  function reaperOf(answers: (number | "silent" | undefined)[], given: Partial<Sandbox> = {}) {
    const { directory, log, sandbox, time } = logOf(given);
    const asked: (string | undefined)[] = [];
    const deleted: string[] = [];
    const reaper = new Reaper({
      ...{ directory, activity: log, rules: { failedSeconds: 600, startSeconds: 300 } },
      duplicates: () => [],
      handedOver: () => true,
      endpoints: { direct: () => "http://sandbox" },
      tokens: { access: () => "token" },
      handOver: {
        idleSeconds: (_: string, token: string | undefined) => {
          asked.push(token);
          return Promise.resolve(answers.shift());
        },
      },
      namespace: { deletePod: () => Promise.resolve() },
      metrics: { reaped: (reason: string) => deleted.push(reason) },
      onReaped: () => undefined,
      onTrouble: () => undefined,
    } as unknown as ReaperParts);
    const at = async (seconds: number): Promise<number> => {
      time.seconds = seconds;
      await reaper.reap();
      return deleted.length;
    };
    return { at, asked, deleted, sandbox, log };
  }

  it("comes after its own server was asked, with a moment for what other replicas have not written", async () => {
    const { at, asked, deleted } = reaperOf([700]);
    assert.equal(await at(600 + unseenSeconds - 1), 0);
    assert.deepEqual(asked, []);
    assert.equal(await at(600 + unseenSeconds), 1);
    assert.deepEqual([asked, deleted], [[undefined], ["idle-timeout"]]);
  });

  it("waits for as long as its own server says that it was used, and shows it the sandbox's token where it asks for that", async () => {
    const { at, asked } = reaperOf([20, 0, 9_999], { guarded: true });
    assert.equal(await at(700), 0);
    assert.equal(await at(680 + 600 + unseenSeconds - 1), 0);
    assert.equal(asked.length, 1, "not asked again before it may be over");
    assert.equal(await at(680 + 600 + unseenSeconds), 0, "it was used again");
    assert.equal(await at(3_000), 1);
    assert.deepEqual(asked, ["token", "token", "token"]);
  });

  it("is not kept off by a server that does not say when it was used, or that does not answer for long", async () => {
    assert.equal(await reaperOf([undefined]).at(700), 1);
    const { at, asked } = reaperOf(["silent", "silent", 0, ...Array<"silent">(7).fill("silent")]);
    for (const second of [700, 701, 709, 710]) assert.equal(await at(second), 0);
    assert.equal(asked.length, 2, "ten seconds apart");
    assert.equal(await at(720), 0, "it was only slow");
    for (let second = 1_400; second < 1_460; second += 1) assert.equal(await at(second), 0);
    assert.equal(await at(1_460), 1);
    assert.equal(asked.length, 10);
  });

  it("comes no sooner for one that was silent before it was used again", async () => {
    const { at, sandbox, log } = reaperOf(Array<"silent">(4).fill("silent"));
    for (const second of [700, 710]) assert.equal(await at(second), 0);
    log.touch(sandbox);
    assert.equal(await at(720), 0);
    for (const second of [1_400, 1_410]) assert.equal(await at(second), 0);
  });

  it("does not come when it was used through us while it was asked", async () => {
    const { at, sandbox, log } = reaperOf([]);
    const used = at(700);
    log.touch(sandbox);
    assert.equal(await used, 0);
  });
});

describe("idle sandboxes, on a cluster", () => {
  let home: House;

  beforeEach(async () => {
    home = await house();
  });

  afterEach(() => home.end());

  it("are those whose server says so, and not those that are used behind our back", async () => {
    const replica = await home.start();
    home.sandbox.idleSeconds = 0;
    const made = await replica.call("POST", "/v1/sandboxes", { id: "a", idleTimeoutSeconds: 10 });
    const { token } = made.json<{ token: string }>();
    const long = new Date(Date.now() - 100_000).toISOString();
    await replica.provisioner.stop();
    home.cluster.update("sandbox-a", ({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, "sandlot.dev/last-active-at": long };
    });
    await home.start();
    const questions = () => home.sandbox.requests.filter(({ what }) => what === "GET /v1/activity");
    await eventually("it is asked", () => questions().length > 0);
    assert.equal(questions()[0]?.headers.authorization, `Bearer ${token}`);
    const written = () => home.cluster.pods()[0]?.metadata.annotations?.["sandlot.dev/last-active-at"];
    await eventually("what it said is written for others", () => (written() ?? long) > long);
    assert.equal(home.cluster.livePods().length, 1);
  });

  it("are not those that were used last through a replica that ends in order, however lately others heard of a use", async () => {
    const replica = await home.start();
    await replica.call("POST", "/v1/sandboxes", { id: "a", idleTimeoutSeconds: 600 });
    home.pass(30_000);
    const used = Date.now() + home.cluster.aheadMs;
    assert.equal((await replica.call("GET", "/v1/sandboxes/a")).statusCode, 200);
    await replica.provisioner.stop();
    const written = home.cluster.pods()[0]?.metadata.annotations?.["sandlot.dev/last-active-at"] ?? "";
    assert.ok(Date.parse(written) >= used - 1_000, written);
  });

  for (const call of ["logs?tailLines=1", "events"])
    it(`are not those that somebody asks for ${call}`, async () => {
      const first = await home.start();
      await first.call("POST", "/v1/sandboxes", { id: "a", idleTimeoutSeconds: 600 });
      await first.provisioner.stop();
      const before = new Date(Date.now() - 200_000).toISOString();
      home.cluster.update("sandbox-a", ({ metadata }) => {
        metadata.annotations = { ...metadata.annotations, "sandlot.dev/last-active-at": before };
      });
      const replica = await home.start();
      const answer = replica.call("GET", `/v1/sandboxes/a/${call}`);
      const written = () => home.cluster.pods()[0]?.metadata.annotations?.["sandlot.dev/last-active-at"];
      await eventually("the use is written", () => (written() ?? before) > before);
      await replica.provisioner.stop();
      assert.equal((await answer).statusCode, 200);
    });
});
