// The server's own Go tests: its parts by themselves, and what removes users' data, attacked with what untrusted code can leave behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

const cwd = resolve(__dirname, "../../../sandboxd");

describe("sandboxd: Go sources", function () {
  this.timeout(180_000); // the first run compiles what they stand on

  it("are formatted", () => {
    assert.equal(spawnSync("gofmt", ["-l", "."], { cwd, encoding: "utf8" }).stdout, "");
  });

  it("pass their unit tests, which vet them as well", async () => {
    // The toolchain is ESM; these tests are CommonJS.
    const { goEnvironment, quickCompile } = await import("../../../toolchain/go.js");
    // As the server is built, so that what it stands on is compiled once for both.
    const env = { ...process.env, ...goEnvironment("native") };
    const args = ["test", "-trimpath", "-buildvcs=false", ...quickCompile, "./..."];
    const { status, stdout, stderr } = spawnSync("go", args, { cwd, env, encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  });
});
