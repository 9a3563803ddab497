// Who is still at work.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { isAlive } from "../../../toolchain/processes.js";

describe("a process", () => {
  it("is alive until it has ended", async () => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    await once(child, "spawn");
    const pid = child.pid ?? 0;
    assert.deepEqual([isAlive(process.pid), isAlive(pid)], [true, true]);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(isAlive(pid), false);
  });

  it("is not alive any more when it has ended and nobody has asked how", async function () {
    // Only /proc tells the one from the other.
    if (process.platform !== "linux") this.skip();
    // The shell becomes a program that asks nothing of what the shell started.
    const parent = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 60"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    try {
      const [line] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = Number(line.toString());
      for (let waited = 0; isAlive(pid); waited += 20) {
        assert.ok(waited < 10_000, "it ends after a tenth of a second");
        await sleep(20);
      }
      assert.equal(process.kill(pid, 0), true, "it is there all the same");
    } finally {
      parent.kill("SIGKILL");
    }
  });
});
