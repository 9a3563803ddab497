// What the stack lives through: the node restarted, its container deleted by hand, an update cut off.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { execa } from "execa";

import {
  eventually,
  execIn,
  mustMake,
  nameOf,
  node,
  outputs,
  outsideMake,
  projectRoot,
  readySandboxes,
  stack,
} from "../support/cluster.js";

describe("disruption", function () {
  this.timeout(600_000);

  it("brings all back after a restart of the node's container", async () => {
    await execa("docker", ["restart", node]);
    // Until the kubelet has looked at them, pods are said to be as they were before.
    const { endpoint = "" } = outputs();
    // A connection that was made before the node has its rules again gets no answer, ever: each try has a limit.
    const answers = async (): Promise<boolean> =>
      (await fetch(`${endpoint}/v1/sandbox`, { signal: AbortSignal.timeout(3_000) })).ok;
    await eventually("an answer", answers, 90);
    await eventually(
      "code run in both",
      async () => {
        const pods = await readySandboxes(2);
        const replies = await Promise.all(pods.map((pod) => execIn(nameOf(pod), "echo back")));
        return replies.every(({ stdout }) => stdout === "back\n");
      },
      120,
    );
  });

  it("makes the node anew when its container was deleted by hand", async () => {
    await execa("docker", ["rm", "--force", "--volumes", node]);
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
  });

  it("starts a node that was stopped by hand", async () => {
    await execa("docker", ["stop", node]);
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
  });

  it("goes on after an update that was killed half-way", async () => {
    await mustMake("down");
    const folder = mkdtempSync(join(tmpdir(), "sandlot-killed-"));
    // To a file: a pipe would end with its reader, and what it said is needed where it ends too early.
    const said = join(folder, "output");
    const file = openSync(said, "w");
    const update = spawn("make", ["up", `STACK=${stack}`], {
      cwd: projectRoot,
      detached: true,
      stdio: ["ignore", file, file],
      env: { ...process.env, ...outsideMake },
    });
    closeSync(file);
    // Killed as soon as the container is there: the engine cannot have noted it yet, or just so.
    for (let seen = false; !seen; ) {
      await sleep(50);
      seen = !(await execa("docker", ["container", "inspect", node], { reject: false })).failed;
      assert.equal(
        update.exitCode,
        null,
        `make up ended before it could be killed:\n${readFileSync(said, "utf8")}`,
      );
    }
    rmSync(folder, { recursive: true });
    assert.ok(update.pid);
    process.kill(-update.pid, "SIGKILL");
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
    await readySandboxes(2);
  });
});
