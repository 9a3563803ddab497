// The watch of a cluster that goes away without a word: how soon that is noticed, and what is believed until then.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { setImmediate as immediately } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import { PodTimes } from "../../../provisioner/src/core/pod-times.js";
import { KubernetesClient } from "../../../provisioner/src/kubernetes/client.js";
import { ClusterClock } from "../../../provisioner/src/kubernetes/clock.js";
import { WatchCache } from "../../../provisioner/src/kubernetes/watch-cache.js";
import { viewOf } from "../../../provisioner/src/model/sandbox.js";
import { FakeCluster } from "./fake-cluster.js";
import { eventually } from "./house.js";

const target = { path: "/api/v1/namespaces/test/pods", labelSelector: "" };

describe("the watch of a cluster", () => {
  let cluster: FakeCluster;
  let client: KubernetesClient;
  let port: number;
  const now = performance.now.bind(performance);
  /** How much more time has passed for the copy than has. Milliseconds. */
  let ahead: number;
  beforeEach(async () => {
    ahead = 0;
    performance.now = () => now() + ahead;
    cluster = new FakeCluster();
    const connection = await cluster.start();
    port = Number(new URL(connection.origin).port);
    client = new KubernetesClient(connection);
  });
  afterEach(async () => {
    performance.now = now;
    await client.close();
    await cluster.stop();
  });

  /** A copy that runs as long as the test does. `trouble` is told when it is cut, and whether it is said to stand at that moment. */
  async function followed(
    test: (cache: WatchCache<V1Pod>) => Promise<void>,
    trouble: (connected: boolean) => void = () => undefined,
  ): Promise<void> {
    const cache: WatchCache<V1Pod> = new WatchCache(client, target, {
      onTrouble: () => {
        trouble(cache.connected);
      },
    });
    const running = cache.run();
    try {
      await cache.synced;
      await test(cache);
    } finally {
      cache.stop();
      await running;
    }
  }

  it("is not said to stand from the moment at which it is cut", async () => {
    const cuts: boolean[] = [];
    await followed(
      async (cache) => {
        assert.equal(cache.connected, true);
        cluster.cutWatches();
        await eventually("the cut is noticed", () => cuts.length > 0);
        assert.deepEqual(cuts, [false]);
        await eventually("it stands again", () => cache.connected);
      },
      (connected) => cuts.push(connected),
    );
  });

  it("is opened again at once after it stood for long, however often it was cut before", async () => {
    await followed(async (cache) => {
      for (let cut = 0; cut < 5; cut += 1) {
        ahead += 31_000;
        cluster.cutWatches();
        await eventually("the cut is noticed", () => !cache.connected);
        await eventually("it stands again", () => cache.connected, 3_000);
      }
    });
  });

  it("tells what happens as it happens once what was missed before it has come, and not sooner", async () => {
    await followed(async (cache) => {
      assert.equal(cache.live, false);
      ahead += 6_000;
      assert.equal(cache.live, true);
      cluster.cutWatches();
      await eventually("the cut is noticed", () => !cache.connected);
      assert.equal(cache.live, false);
      await eventually("it stands again", () => cache.connected);
      assert.equal(cache.live, false);
      ahead += 6_000;
      assert.equal(cache.live, true);
    });
  });

  it("makes nothing of what was missed younger than it is, when it comes after all", async () => {
    await followed(async (cache) => {
      ahead += 6_000;
      const times = new PodTimes(cache, new ClusterClock());
      cluster.cutWatches();
      const at = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
      const labels = {
        "sandlot.dev/state": "claimed",
        "sandlot.dev/sandbox-id": "a",
        "sandlot.dev/tenant": "t",
      };
      const annotations = {
        ...{ "sandlot.dev/claimed-at": at(-80), "sandlot.dev/last-active-at": at(-80) },
        ...{ "sandlot.dev/expires-at": at(3_520), "sandlot.dev/hard-expires-at": at(86_320) },
      };
      const metadata = { name: "missed", labels, annotations };
      cluster.put("pods", { metadata });
      await eventually("it comes", () => cache.get("missed") !== undefined);
      const view = viewOf(cache.get("missed") ?? {});
      assert.ok(view.kind === "sandbox");
      const { claimed, active } = times.ages(view.pod);
      assert.ok(claimed >= 78 && active >= 78, `${claimed} s, ${active} s`);
      assert.equal(times.corrected(view.pod), undefined, "no clock was set");
    });
  });

  /** Watches that are answered and tell of nothing, each by a body that whoever asked for this may end. */
  function answered(opened: (body: PassThrough) => void): void {
    client.stream = async ({ signal }) => {
      // Not before the loop has gone round, so that watches without end do not keep the test from looking.
      await immediately();
      const body = new PassThrough();
      signal?.addEventListener("abort", () => body.destroy());
      opened(body);
      return body as unknown as Awaited<ReturnType<KubernetesClient["stream"]>>;
    };
  }

  it("is a failure when it ends at once without a word: that is told, and the next one waits longer each time", async () => {
    let watches = 0;
    answered((body) => {
      watches += 1;
      body.end();
    });
    const cuts: { watches: number; at: number }[] = [];
    await followed(
      () => eventually("it was told three times", () => cuts.length >= 3),
      () => cuts.push({ watches, at: performance.now() }),
    );
    assert.deepEqual(
      cuts.slice(0, 3).map((cut) => cut.watches),
      [1, 2, 3],
    );
    const [first, , third] = cuts;
    assert.ok((third?.at ?? 0) - (first?.at ?? 0) >= 700, "a quarter of a second at least, and twice that");
  });

  it("is opened again at once, and nothing is told, when it ends in its time or after an event", async () => {
    const watches: PassThrough[] = [];
    answered((body) => watches.push(body));
    let cuts = 0;
    await followed(
      async () => {
        ahead += 240_000;
        watches[0]?.end();
        await eventually("there is another", () => watches.length === 2);
        const metadata = { name: "p", uid: "u", resourceVersion: "999" };
        watches[1]?.end(`${JSON.stringify({ type: "ADDED", object: { metadata } })}\n`);
        await eventually("there is a third", () => watches.length === 3);
      },
      () => (cuts += 1),
    );
    assert.equal(cuts, 0);
  });

  it("is given up when nothing came for longer than a server's bookmarks take", async () => {
    const asked: { silenceMs: number; bookmarks: string | undefined }[] = [];
    const stream = client.stream.bind(client);
    client.stream = (request, silenceMs) => {
      asked.push({ silenceMs, bookmarks: request.query?.["allowWatchBookmarks"] });
      return stream(request, 300);
    };
    let cuts = 0;
    await followed(
      () => eventually("silence is taken for the end", () => cuts > 0),
      () => (cuts += 1),
    );
    assert.deepEqual(asked[0], { silenceMs: 90_000, bookmarks: "true" });
  });

  it("has a connection that the kernel tries after five seconds of silence", async function () {
    if (process.platform !== "linux") this.skip();
    const body = await client.stream({ method: "GET", path: target.path, query: { watch: "true" } }, 10_000);
    // https://www.kernel.org/doc/html/latest/networking/proc_net_tcp.html: timer 02 is that of keep-alive, in hundredths of a second.
    const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    const timers = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .map((row) => row.trim().split(/\s+/))
      .filter((fields) => fields[2] === remote && fields[3] === "01")
      .map((fields) => fields[5]?.split(":") ?? []);
    body.on("error", () => undefined).destroy();
    assert.equal(timers.length, 1);
    const [kind, due] = timers[0] ?? [];
    assert.equal(kind, "02");
    assert.ok(Number.parseInt(due ?? "", 16) <= 500, `after ${due ?? ""}`);
  });
});
