// One test run at a time on a machine.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { withTestLock } from "../../../commands/support/test-lock.js";

describe("the lock on test runs", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-lock-"));
    path = join(folder, "test.sock");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is held by one at a time, and whoever comes second is told by whom", async () => {
    let ran = false;
    await withTestLock(async () => {
      const second = withTestLock(() => {
        ran = true;
        return Promise.resolve();
      }, path);
      await assert.rejects(second, ({ message }: Error) => message.includes(`process ${process.pid}, in /`));
    }, path);
    assert.equal(ran, false);
  });

  it("is free again after its holder has ended, with a failure too", async () => {
    await assert.rejects(
      withTestLock(() => Promise.reject(new Error("a test run that failed")), path),
      /a test run that failed/,
    );
    assert.equal(await withTestLock(() => Promise.resolve("second"), path), "second");
  });

  it("is free although its holder was killed", async () => {
    const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("holds"))`;
    const holder = spawn(process.execPath, ["--eval", script], { stdio: ["ignore", "pipe", "ignore"] });
    await once(holder.stdout, "data");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    assert.ok(existsSync(path), "the killed process has left its socket behind");
    assert.equal(await withTestLock(() => Promise.resolve("next"), path), "next");
  });
});
