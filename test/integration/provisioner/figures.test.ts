// Figures of the provisioner on a real cluster: warm claims one after the other and at once, cold creates against a bare pod of the
// same image, all in one run. It prints; it fails only if something does not work.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { Stage } from "./stage.js";

interface Described {
  sandbox_url: string;
  status: string;
}

const rounds = 20;

describe("figures of the provisioner", function () {
  this.timeout(600_000);
  let stage: Stage;
  const report: string[] = [];

  before(async () => {
    stage = new Stage(`sandlot-figures-${process.pid}`);
    await stage.set(4);
    await stage.start();
    await stage.full(4);
  });

  after(async () => {
    console.log(report.map((line) => `      ${line}`).join("\n"));
    await stage.strike();
  });

  /** Milliseconds until the create is answered, and until a command in the sandbox is. */
  const timed = async (id: string): Promise<[number, number]> => {
    const started = performance.now();
    const { status, body } = await stage.call<Described>("POST", "/api/sandboxes", { sandbox_id: id });
    const created = performance.now() - started;
    assert.equal(status, 200, JSON.stringify(body));
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"command":"true"}',
    };
    while (
      !(await fetch(`${body.sandbox_url}/v1/bash/exec`, init).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await sleep(10);
    return [created, performance.now() - started];
  };

  const note = (what: string, times: readonly number[]): void => {
    const sorted = [...times].sort((one, other) => one - other);
    const at = (part: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(1);
    report.push(`${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (${times.length})`);
  };

  it("claims warm sandboxes one after the other", async () => {
    const times: [number, number][] = [];
    for (let round = 0; round < rounds; round += 1) {
      await stage.full(4);
      await sleep(300);
      times.push(await timed(`serial-${round}`));
      await stage.call("DELETE", `/api/sandboxes/serial-${round}`);
    }
    note(
      "warm claim, serial, POST",
      times.map(([created]) => created),
    );
    note(
      "warm claim, serial, POST to a command's answer",
      times.map(([, answered]) => answered),
    );
  });

  it("claims as many as there are at once", async () => {
    await stage.environment(10);
    await stage.full(10, 180);
    await sleep(1_000);
    const times = await Promise.all(Array.from({ length: 10 }, (_, at) => timed(`at-once-${at}`)));
    note(
      "warm claim, 10 at once, POST",
      times.map(([created]) => created),
    );
    const started = performance.now();
    await stage.full(10, 180);
    report.push(`refill of 10: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    for (let at = 0; at < 10; at += 1) await stage.call("DELETE", `/api/sandboxes/at-once-${at}`);
  });

  it("creates cold ones, against a bare pod of the same image", async () => {
    await stage.environment(0);
    await stage.full(0);
    await sleep(5_000);
    const [bare, cold]: [number[], number[]] = [[], []];
    for (let round = 0; round < 5; round += 1) {
      bare.push(await stage.barePod(`bare-${round}`));
      const [, answered] = await timed(`cold-${round}`);
      cold.push(answered);
      await stage.call("DELETE", `/api/sandboxes/cold-${round}`);
    }
    note("bare pod, create to Ready", bare);
    note("cold create, POST to a command's answer", cold);
  });
});
