// What is open to a sandbox that nobody answers for is noticed, and nothing else is taken for that.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";

import { isReached, Reachability } from "../../../../provisioner/src/router/reachability.js";

const way = { address: "127.0.0.1", port: 1 };
const plan = { everyMs: 20, againMs: 5, inVain: 3 };

const made: Reachability[] = [];

/** Looks that have these results one after the other, the last of them from then on. */
function looking(...results: readonly boolean[]) {
  const lost: string[] = [];
  const seen = { looks: 0 };
  const reachability = new Reachability(
    (podUid) => lost.push(podUid),
    () => Promise.resolve(results[Math.min(seen.looks++, results.length - 1)] ?? true),
    plan,
  );
  made.push(reachability);
  return { reachability, lost, seen };
}

describe("router: reachability", () => {
  afterEach(() => {
    for (const one of made.splice(0)) one.close();
  });

  it("takes a pod for lost after three looks in vain, and not after two", async () => {
    const { reachability, lost, seen } = looking(false, false, true, false, false, false, true);
    const close = reachability.open("a", () => way);
    while (seen.looks < 5) await sleep(1);
    assert.deepEqual(lost, []);
    while (seen.looks < 7) await sleep(1);
    assert.deepEqual(lost, ["a"]);
    close();
  });

  it("looks at a pod once however much is open to it, until nothing is", async () => {
    const { reachability, seen } = looking(true);
    const closes = [1, 2, 3].map(() => reachability.open("a", () => way));
    await sleep(3.5 * plan.everyMs);
    assert.ok(seen.looks >= 1 && seen.looks <= 4, `${seen.looks} looks`);
    closes[0]?.();
    closes[1]?.();
    const before = seen.looks;
    while (seen.looks === before) await sleep(1);
    closes[2]?.();
    const last = seen.looks;
    await sleep(3 * plan.everyMs);
    assert.equal(seen.looks, last);
  });

  it("looks at no pod whose address is not known, and does not call it lost", async () => {
    const { reachability, lost, seen } = looking(false);
    const close = reachability.open("a", () => undefined);
    await sleep(5 * plan.everyMs);
    assert.deepEqual([lost, seen.looks], [[], 0]);
    close();
  });

  describe("a look", () => {
    it("reaches a server that takes connections, and a machine that refuses them", async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      assert.equal(await isReached({ ...way, port }), true);
      server.close();
      await once(server, "close");
      assert.equal(await isReached({ ...way, port }), true);
    });

    it("does not reach what keeps silent", async () => {
      // It listens and never accepts: once its queue is full, the kernel drops what else comes, as if nobody were there.
      const silent = new Worker(
        `const { parentPort } = require("node:worker_threads");
         const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
           parentPort.postMessage(server.address().port);
           Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
         });`,
        { eval: true },
      );
      const [port] = (await once(silent, "message")) as [number];
      const waiting: Socket[] = [];
      try {
        for (let full = false; !full; ) {
          const socket = connect({ port, host: way.address });
          waiting.push(socket);
          full = (await Promise.race([once(socket, "connect"), sleep(200, "full")])) === "full";
          assert.ok(waiting.length < 20, "the queue takes all that comes");
        }
        assert.equal(await isReached({ ...way, port }, 300), false);
      } finally {
        for (const socket of waiting) socket.destroy();
        await silent.terminate();
      }
    });
  });
});
