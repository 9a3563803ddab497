// Work in the background, as tests on clusters have it done: it ranks behind all others, and ends with whoever began it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { isAlive } from "../../../toolchain/processes.js";
import { projectRoot } from "../../../toolchain/paths.js";
import { runInBackground } from "../../integration/support/background.js";

const autogroup = "/proc/self/autogroup";

describe("work in the background", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "sandlot-background-"));

  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("ranks last in its session, and its session among all", async function () {
    const program = `
      import { existsSync, readFileSync } from "node:fs";
      import { getPriority } from "node:os";
      const group = existsSync("${autogroup}") ? readFileSync("${autogroup}", "utf8") : "";
      console.log(JSON.stringify([getPriority(), group]));`;
    const [priority, group] = JSON.parse(await runInBackground(program)) as [number, string];
    assert.ok(priority >= 10);
    if (!existsSync(autogroup)) return;
    assert.match(group, / nice 19$/m);
    assert.notEqual(group.split(" ")[0], readFileSync(autogroup, "utf8").split(" ")[0]);
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const)
    it(`ends with all that it has started when ${signal} ends whoever began it`, async () => {
      const file = join(folder, signal);
      const work = `
        import { spawn } from "node:child_process";
        import { writeFileSync } from "node:fs";
        const { pid } = spawn("sleep", ["600"]);
        writeFileSync("${file}", [process.pid, pid].join(" ") + "\\n");`;
      const owner = `
        import { runInBackground } from "./test/integration/support/background.js";
        await runInBackground(${JSON.stringify(work)});`;
      const args = ["--import", "tsx", "--input-type=module", "--eval", owner];
      const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: "ignore" });
      const ended = once(child, "exit");
      while (!existsSync(file) || !readFileSync(file, "utf8").endsWith("\n")) await sleep(20);
      const pids = readFileSync(file, "utf8").trim().split(" ").map(Number);
      assert.ok(pids.length === 2 && pids.every(isAlive));
      child.kill(signal);
      await ended;
      while (pids.some(isAlive)) await sleep(20);
    });
});
