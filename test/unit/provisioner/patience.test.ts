// Trouble of a server is waited out, and silence too: beside it, not in its place.
import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { KubernetesClient } from "../../../provisioner/src/kubernetes/client.js";
import { patiently } from "../../../provisioner/src/kubernetes/patience.js";

const pace = { silenceMs: 100, firstPauseMs: 10, longestPauseMs: 40 };

class Trouble extends Error {}

/** What a server does with one try. */
type Behaviour = (signal: AbortSignal) => Promise<string>;

const answers =
  (answer: string, afterMs = 0): Behaviour =>
  (signal) =>
    sleep(afterMs, answer, { signal });

const fails =
  (error: Error, afterMs = 0): Behaviour =>
  async (signal) => {
    await sleep(afterMs, undefined, { signal });
    throw error;
  };

const keepsSilent: Behaviour = answers("never", 60_000);

/** Asks a server that does with each try what comes next, and goes on with the last. */
function ask(behaviours: readonly Behaviour[], over: AbortSignal) {
  const signals: AbortSignal[] = [];
  const answer = patiently({
    send: (signal) => {
      const behave = behaviours[Math.min(signals.length, behaviours.length - 1)];
      signals.push(signal);
      assert.ok(behave !== undefined);
      return behave(signal);
    },
    over,
    pace,
    mayPass: (error) => error instanceof Trouble,
    silent: () => new Error("silence"),
  });
  return { answer, signals };
}

describe("patience with a server", () => {
  const long = (): AbortSignal => AbortSignal.timeout(10_000);

  it("asks once where there is an answer, and leaves nothing behind", async () => {
    const over = long();
    const { answer, signals } = ask([answers("one")], over);
    assert.equal(await answer, "one");
    await sleep(3 * pace.silenceMs);
    assert.equal(signals.length, 1);
    assert.equal(getEventListeners(over, "abort").length, 0);
  });

  it("asks again after trouble, ever later", async () => {
    const started = performance.now();
    const { answer, signals } = ask(
      [...Array<Behaviour>(5).fill(fails(new Trouble())), answers("at last")],
      long(),
    );
    assert.equal(await answer, "at last");
    assert.equal(signals.length, 6);
    // 10, 20, 40, 40 and 40 ms, each at least half of it.
    assert.ok(performance.now() - started >= 70, "the pauses grow");
  });

  it("asks beside a try that is met with silence, and ends that when the other is answered", async () => {
    const { answer, signals } = ask([keepsSilent, answers("two")], long());
    assert.equal(await answer, "two");
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  });

  it("takes the answer of a slow server to the first try", async () => {
    const { answer, signals } = ask([answers("one", 250), keepsSilent], long());
    assert.equal(await answer, "one");
    assert.ok(signals.length > 1, "it was asked again meanwhile");
  });

  it("does not give up a try for the trouble of those beside it", async () => {
    const { answer } = ask([answers("one", 250), fails(new Trouble())], long());
    assert.equal(await answer, "one");
  });

  it("ends with an error that does not pass, and ends what is under way", async () => {
    const { answer, signals } = ask([keepsSilent, fails(new Error("forbidden"))], long());
    await assert.rejects(answer, /forbidden/);
    assert.equal(signals[0]?.aborted, true);
  });

  it("throws the last trouble when it is over, and tries no more", async () => {
    const { answer, signals } = ask(
      [fails(new Trouble("first")), fails(new Trouble("last"))],
      AbortSignal.timeout(60),
    );
    await assert.rejects(answer, /last/);
    const tries = signals.length;
    await sleep(100);
    assert.equal(signals.length, tries);
  });

  it("says that there was silence when it is over, and ends the tries", async () => {
    const { answer, signals } = ask([keepsSilent], AbortSignal.timeout(150));
    await assert.rejects(answer, /silence/);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  });

  it("makes the first try though it is over already, and none after it", async () => {
    assert.equal(await ask([answers("one", 20)], AbortSignal.abort()).answer, "one");
    const troubled = ask([fails(new Trouble("trouble")), answers("two")], AbortSignal.abort());
    await assert.rejects(troubled.answer, /trouble/);
    const silent = ask([keepsSilent, answers("two")], AbortSignal.abort());
    await assert.rejects(silent.answer, /silence/);
    assert.deepEqual([troubled.signals.length, silent.signals.length], [1, 1]);
  });

  it("has the client take the answer of an API server that needs longer for it than one try is alone", async () => {
    const asked: string[] = [];
    const server = createServer(({ url = "" }, response) => {
      asked.push(url);
      if (asked.indexOf("/slow") === asked.length - 1)
        setTimeout(() => response.end('{"late":true}'), 11_000);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = new KubernetesClient({
      ...{ origin: `http://127.0.0.1:${port}`, prefix: "", tls: {}, inCluster: false },
      headers: () => Promise.resolve({}),
    });
    try {
      const slow = { method: "GET", path: "/slow", patience: AbortSignal.timeout(15_000) } as const;
      const silent = { method: "GET", path: "/silent", patience: 100 } as const;
      const [answer] = await Promise.all([
        client.request(slow),
        assert.rejects(client.request(silent), { name: "KubernetesError", reason: "Timeout" }),
      ]);
      assert.deepEqual(answer, { late: true });
      assert.deepEqual(asked, ["/slow", "/silent", "/slow"]);
    } finally {
      await client.close();
      server.closeAllConnections();
      server.close();
    }
  }).timeout(30_000);
});
