// What Pulumi is called with: its own home, state and passphrase; and which CLI may be called.
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";

import { execa } from "execa";

import { projectRoot } from "../../../toolchain/paths.js";
import { compatible } from "../../../toolchain/pulumi-engine/installed.js";
import { pulumiEnv } from "../../../toolchain/pulumi-engine/index.js";

const engine = { bin: "/engine/bin", home: "/checkout/.sandlot/pulumi" };

describe("Pulumi's environment", () => {
  it("puts the engine first on PATH and keeps home and state in the checkout", () => {
    const env = pulumiEnv(engine, { PATH: "/usr/bin" });
    assert.equal(env["PATH"], "/engine/bin:/usr/bin");
    assert.equal(env["PULUMI_HOME"], engine.home);
    assert.match(env["PULUMI_BACKEND_URL"] ?? "", /^file:\/\/\/.*\/\.sandlot\/state$/);
    assert.equal(env["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"], "true");
  });

  it("has a random passphrase in a file that only its owner can read", () => {
    const path = pulumiEnv(engine, {})["PULUMI_CONFIG_PASSPHRASE_FILE"];
    assert.ok(path !== undefined);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(path).size, 65);
    assert.equal(pulumiEnv(engine, {})["PULUMI_CONFIG_PASSPHRASE_FILE"], path);
  });

  it("gives temporary files a folder that only its owner can read", () => {
    const folder = pulumiEnv(engine, {})["TMPDIR"] ?? "";
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.equal(pulumiEnv(engine, {})["TMPDIR"], folder);
  });

  for (const [how, end] of [
    ["ends", "process.exit(0)"],
    ["is ended by a signal", "process.kill(process.pid, 'SIGTERM')"],
  ] as const)
    it(`leaves no temporary file behind when the process ${how}`, async () => {
      const program = `
        import { writeFileSync } from "node:fs";
        import { pulumiEnv } from "./toolchain/pulumi-engine/index.js";
        const { TMPDIR } = pulumiEnv(${JSON.stringify(engine)});
        writeFileSync(TMPDIR + "/kubeconfig1", "a key");
        console.log(TMPDIR);
        ${end};`;
      const args = ["--import", "tsx", "--input-type=module", "--eval", program];
      const { stdout } = await execa(process.execPath, args, { cwd: projectRoot, reject: false });
      assert.match(stdout, /sandlot-pulumi-/);
      assert.ok(!existsSync(stdout), stdout);
    });

  it("leaves a passphrase of the user's alone, an empty one too", () => {
    for (const env of [{ PULUMI_CONFIG_PASSPHRASE: "" }, { PULUMI_CONFIG_PASSPHRASE_FILE: "/mine" }]) {
      assert.equal("PULUMI_CONFIG_PASSPHRASE_FILE" in pulumiEnv(engine, env), false);
    }
  });
});

describe("a CLI on PATH", () => {
  for (const [version, expected] of [
    ["3.215.0", true],
    ["3.215.1", true],
    ["3.300.0-alpha.1", true],
    ["3.214.9", false],
    ["2.999.0", false],
    ["4.0.0", false],
  ] as const) {
    it(`${version} ${expected ? "can" : "cannot"} stand in for 3.215.0`, () => {
      assert.equal(compatible(version, "3.215.0"), expected);
    });
  }
});
