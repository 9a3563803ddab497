// Keys of the deployed provisioner are rotated by changing its Secret: nothing is started anew for it, and what a key opened ends
// with the key.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { cluster, eventually } from "../support/cluster.js";
import { Deployed, run, systemNamespace, type Followed, type Sandbox } from "./deployed.js";
import { echoes, openSocket, startStreaming } from "./streaming-application.js";

const secret = { name: "provisioner-keys", namespace: systemNamespace };
const entry = "api-keys.json";
const tenant = "rotating";
/** Kubelets look at Secrets that are mounted about once in a minute; the provisioner looks at its file every two seconds. */
const mountedSeconds = 150;
/** So long after a key is gone, what it opened is gone too: docs/api.md. */
const cutSeconds = 15;

interface KeysFile {
  tenants: Record<string, { keys: { name: string; sha256: string }[] }>;
}

describe("keys of the deployed provisioner", function () {
  this.timeout(420_000);
  let provisioner: Deployed;
  let original: string;

  const read = async (): Promise<string> => {
    const { data } = await cluster().core.readNamespacedSecret(secret);
    return Buffer.from(data?.[entry] ?? "", "base64").toString();
  };
  const write = async (text: string): Promise<void> => {
    const found = await cluster().core.readNamespacedSecret(secret);
    const { metadata, type } = found;
    const data = { ...found.data, [entry]: Buffer.from(text).toString("base64") };
    await cluster().core.replaceNamespacedSecret({ ...secret, body: { metadata, type, data } });
  };
  const withKeys = async (...keys: string[]): Promise<void> => {
    const file = JSON.parse(original) as KeysFile;
    const hashes = keys.map((key, at) => ({
      name: `key-${at}`,
      sha256: createHash("sha256").update(key).digest("hex"),
    }));
    await write(JSON.stringify({ ...file, tenants: { ...file.tenants, [tenant]: { keys: hashes } } }));
  };
  /** Whether all of many calls, which any replica may answer, are answered so. */
  const answers = async (key: string, status: number): Promise<boolean> => {
    const calls = Array.from({ length: 16 }, () => provisioner.as(key).call("GET", "/v1/sandboxes"));
    return (await Promise.all(calls)).every((answer) => answer.status === status);
  };
  const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(0);
  /** The provisioner's pods, and how often each was started. */
  const starts = async (): Promise<string[]> =>
    (await provisioner.pods())
      .map(
        ({ metadata, status }) =>
          `${metadata?.uid ?? ""} ${status?.containerStatuses?.[0]?.restartCount ?? 0}`,
      )
      .sort();

  before(async () => {
    provisioner = await Deployed.find();
    original = await read();
  });

  after(() => write(original));

  it("are taken and dropped while it runs; a tenant keeps its sandboxes, and a dropped key nothing that it had opened", async () => {
    const [old, next] = [randomBytes(24).toString("hex"), randomBytes(24).toString("hex")];
    const started = await starts();
    assert.equal(started.length, 2);
    assert.ok(await answers(old, 401));
    let changed = performance.now();
    await withKeys(old, next);
    await eventually(
      "both keys are taken by every replica",
      async () => (await answers(old, 200)) && (await answers(next, 200)),
      mountedSeconds,
    );
    const taken = seconds(changed);

    const made: Sandbox = await provisioner.as(old).create({ id: "rotated" });
    let events: Followed | undefined;
    try {
      await startStreaming(made);
      events = await provisioner.as(old).follow("/v1/sandboxes/rotated/events");
      const byOld = openSocket(made.url, { "x-api-key": old });
      const byToken = openSocket(`${made.url}/t/${made.token}`);
      await Promise.all([once(byOld, "open"), once(byToken, "open")]);
      await Promise.all([echoes(byOld, "one"), echoes(byToken, "two")]);
      const cut = once(byOld, "close");

      changed = performance.now();
      await withKeys(next);
      await eventually("the old key is dropped by every replica", () => answers(old, 401), mountedSeconds);
      console.log(
        `      two keys were taken ${taken} s after the Secret had them, one dropped after ${seconds(changed)} s`,
      );
      const late = sleep(cutSeconds * 1000).then(() => assert.fail(`not cut within ${cutSeconds} s`));
      await Promise.race([Promise.all([cut, events.ended]), late]);

      assert.equal((await provisioner.as(next).call("GET", "/v1/sandboxes/rotated")).status, 200);
      assert.equal((await run(made, "echo here")).stdout.trim(), "here");
      await echoes(byToken, "still here");
      byToken.close();
      assert.deepEqual(await starts(), started);
    } finally {
      await events?.end();
      await provisioner.as(next).delete(made);
    }
  });
});
