// The OCI runtime wrapper, built and run with a program that plays runc.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { goEnvironment, quickCompile } from "../../../toolchain/go.js";

const source = resolve(dirname(fileURLToPath(import.meta.url)), "../../../toolchain/docker-engine/runc-nosr");

const spec = {
  args: ["sh"],
  capabilities: {
    bounding: ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_SYS_ADMIN"],
    effective: ["CAP_SYS_RESOURCE"],
    ambient: null,
  },
  oomScoreAdj: -500,
};

describe("the runtime for machines without CAP_SYS_RESOURCE", function () {
  let scratch: string;
  let wrapper: string;

  before(function () {
    this.timeout(60_000);
    if (process.platform !== "linux" || spawnSync("go", ["version"]).status !== 0) this.skip();
    scratch = mkdtempSync(join(tmpdir(), "sandlot-nosr-"));
    wrapper = join(scratch, "runc-nosr");
    // As it is installed, so that what it stands on is compiled once for both.
    const args = ["build", "-trimpath", "-buildvcs=false", ...quickCompile, "-o", wrapper, "."];
    execFileSync("go", args, { cwd: source, env: { ...process.env, ...goEnvironment() } });
    writeFileSync(join(scratch, "runc"), '#!/bin/sh\necho "$@"\nexit 7\n', { mode: 0o755 });
  });

  after(() => {
    if (scratch !== "") rmSync(scratch, { recursive: true, force: true });
  });

  function call(...args: string[]): { stdout: string; status: number | null; stderr: string } {
    const env = { ...process.env, PATH: `${scratch}:/usr/bin:/bin` };
    return spawnSync(wrapper, args, { env, encoding: "utf8", cwd: scratch });
  }

  function write(name: string, content: unknown): string {
    const path = join(scratch, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  function read(path: string): Record<string, unknown> {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  }

  const expected = {
    args: ["sh"],
    capabilities: { bounding: ["CAP_CHOWN", "CAP_SYS_ADMIN"], effective: [], ambient: null },
  };

  it("drops the capability and the lowered OOM score from a new container's spec, and becomes runc", () => {
    const path = write("config.json", { process: spec, hostname: "h" });
    const args = [
      "--root",
      "/run/create",
      "--log",
      "x.json",
      "--systemd-cgroup",
      "create",
      "--bundle",
      scratch,
      "id",
    ];
    const result = call(...args);
    assert.equal(result.stdout.trim(), args.join(" "));
    assert.equal(result.status, 7, "runc's status is the caller's to see");
    assert.deepEqual(read(path), { process: expected, hostname: "h" });
  });

  it("does the same for a process that is added to a container", () => {
    const path = write("process.json", spec);
    call("--root=/r", "exec", "--process", path, "--detach", "id");
    assert.deepEqual(read(path), expected);
  });

  it("keeps what it does not know, to the last digit", () => {
    const path = write("config.json", '{"process":{"oomScoreAdj":100},"big":9223372036854775807,"f":1.50}');
    call("run", "-b", scratch, "id");
    assert.equal(
      readFileSync(path, "utf8"),
      '{"big":9223372036854775807,"f":1.50,"process":{"oomScoreAdj":100}}',
    );
  });

  it("touches nothing for other commands, even if the container is called create", () => {
    const text = JSON.stringify({ process: spec });
    const path = write("config.json", text);
    for (const args of [["--log", "create", "state", "create"], ["delete", "run"], ["--version"]]) {
      assert.equal(call(...args).stdout.trim(), args.join(" "));
    }
    assert.equal(readFileSync(path, "utf8"), text);
  });

  it("says what is wrong with a spec that it cannot read", () => {
    write("config.json", "{");
    const result = call("create", "--bundle", scratch, "id");
    assert.equal(result.status, 1);
    assert.match(result.stderr, /^runc-nosr: .*config\.json: unexpected end of JSON input/);
  });
});
