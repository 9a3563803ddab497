// Requests that are there before the proxy has seen whose they are: they wait a moment, not too many of them, and go nowhere meanwhile.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { mock } from "node:test";

import type { V1Pod } from "@kubernetes/client-node";
import { Registry } from "prom-client";

import { EgressProxy, parseRule } from "../../../../provisioner/src/egress/index.js";
import { EgressSandboxes } from "../../../../provisioner/src/egress/sandboxes.js";
import type { ChangeListener, WatchCache } from "../../../../provisioner/src/kubernetes/watch-cache.js";

const address = "192.0.2.7";
const rules = { allow: [parseRule("late.example:*")].filter((rule) => rule !== undefined), deny: [] };

describe("egress: arrivals", () => {
  let see: ChangeListener<V1Pod>;
  let sandboxes: EgressSandboxes;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const pods = { cutForMs: 0, onChange: (listener: ChangeListener<V1Pod>) => void (see = listener) };
    sandboxes = new EgressSandboxes(
      pods as unknown as WatchCache<V1Pod>,
      () => undefined,
      () => undefined,
    );
  });
  afterEach(() => {
    mock.timers.reset();
  });

  const pod = (name: string, state: string, egress = "allowlist"): V1Pod => ({
    metadata: {
      ...{ name, uid: `uid-${name}` },
      labels: {
        "app.kubernetes.io/managed-by": "sandlot-provisioner",
        "sandlot.dev/state": state,
        "sandlot.dev/egress": egress,
        ...(state === "claimed" ? { "sandlot.dev/sandbox-id": name, "sandlot.dev/tenant": "default" } : {}),
      },
      annotations: { "sandlot.dev/egress-rules": '{"allow":["*:*"],"deny":[]}' },
    },
    spec: { containers: [] },
    status: { phase: "Running", podIP: address },
  });

  /** Who is at the address when the wait is over; until then nobody knows. */
  function ask(): { now: () => string | undefined } {
    let found: string | undefined;
    void sandboxes.arrival(address).then(() => (found = sandboxes.at(address)?.podUid ?? "nobody"));
    return { now: () => found };
  }
  const settle = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

  it("are waited for at an address without a pod and at that of an idle one, for a moment", async () => {
    for (const before of [[], [pod("one", "idle")]]) {
      for (const one of before) see(one, false);
      const late = ask();
      mock.timers.tick(249);
      await settle();
      assert.equal(late.now(), undefined);
      mock.timers.tick(1);
      await settle();
      assert.equal(late.now(), "nobody");
      const seen = ask();
      see(pod("one", "idle"), false);
      await settle();
      assert.equal(seen.now(), undefined, "an idle pod may still be claimed");
      see(pod("one", "claimed"), false);
      await settle();
      assert.equal(seen.now(), "uid-one");
      see(pod("one", "claimed"), true);
    }
  });

  it("are not waited for where another profile or two pods are", async () => {
    see(pod("one", "claimed", "open"), false);
    const other = ask();
    await settle();
    assert.equal(other.now(), "nobody");
    see(pod("one", "claimed"), false);
    see(pod("two", "idle"), false);
    const two = ask();
    await settle();
    assert.equal(two.now(), "nobody");
  });

  it("are waited for by so many requests of an address only, and by so many in all", async () => {
    const of = (from: string): Promise<void> => sandboxes.arrival(from);
    const ended = new Map<string, number>();
    const count = (from: string): void => {
      void of(from).then(() => ended.set(from, (ended.get(from) ?? 0) + 1));
    };
    for (let i = 0; i < 40; i += 1) count(address);
    await settle();
    assert.equal(ended.get(address), 8);
    for (let i = 0; i < 1_000; i += 1) count(`198.51.100.${i % 200}`);
    await settle();
    const atOnce = [...ended.values()].reduce((sum, one) => sum + one, 0);
    assert.equal(atOnce, 1_040 - 1_024);
    mock.timers.tick(250);
    await settle();
    assert.equal(ended.get(address), 40);
    const again = ask();
    await settle();
    assert.equal(again.now(), undefined, "the places are free again");
  });

  it("go nowhere until they are seen, and leave nothing behind when they have gone", async () => {
    const registry = new Registry();
    const asked: string[] = [];
    const arrivals: (() => void)[] = [];
    let known = false;
    const proxy = new EgressProxy({
      sandboxAt: () => (known ? { podUid: "uid", tenant: "t", rules } : undefined),
      arrival: () => new Promise((resolve) => arrivals.push(resolve)),
      closedRanges: [],
      onRefused: () => undefined,
      registry,
      resolve: (name) => {
        asked.push(name);
        return Promise.resolve([]);
      },
    });
    proxy.server.listen(0, "127.0.0.1");
    await once(proxy.server, "listening");
    const { port } = proxy.server.address() as AddressInfo;
    const start = async (): Promise<ReturnType<typeof connect>> => {
      const before = arrivals.length;
      const socket = connect(port, "127.0.0.1").on("error", () => undefined);
      socket.write("CONNECT late.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
      while (arrivals.length === before) await settle();
      return socket;
    };
    const stays = await start();
    const [accepted] = await Promise.all([
      once(proxy.server, "connection"),
      start().then((one) => one.resetAndDestroy()),
    ]);
    const goes = accepted[0] as ReturnType<typeof connect>;
    while (!goes.destroyed) await settle();
    assert.deepEqual(asked, []);
    known = true;
    for (const arrive of arrivals) arrive();
    const [answer] = (await once(stays, "data")) as [Buffer];
    stays.destroy();
    assert.doesNotMatch(answer.toString(), /serves sandboxes with an allow list only/);
    await proxy.close();
    while (!(await registry.metrics()).includes("sandlot_egress_open 0")) await settle();
  });
});
