// Putting a stand-in into Pulumi's plugin folder: whole, once, and starting as the engine expects.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { installPluginStandIn } from "../../../toolchain/plugins/install.js";

describe("installing a plugin stand-in", function () {
  this.timeout(60_000);
  let home: string;
  let install: typeof installPluginStandIn;

  before(async () => {
    home = mkdtempSync(join(tmpdir(), "sandlot-home-"));
    // A module of its kind cannot be required.
    install = (await import("../../../toolchain/plugins/install.js")).installPluginStandIn;
  });

  after(() => {
    rmSync(home, { recursive: true });
  });

  const file = (plugin: string, name: string): string => join(home, "plugins", `resource-${plugin}`, name);

  for (const [name, version] of [
    ["docker", "5.2.0"],
    ["command", "1.2.1"],
  ] as const) {
    it(`installs ${name} so that it starts and tells its port`, async () => {
      await install(name, version, home);
      assert.match(await firstLine(file(`${name}-v${version}`, `pulumi-resource-${name}`)), /^\d+$/);
    });
  }

  it("leaves an installed one alone, and replaces one made from other sources", async () => {
    const bundle = file("command-v1.2.1", "plugin.cjs");
    const before = statSync(bundle).ino;
    await install("command", "1.2.1", home);
    assert.equal(statSync(bundle).ino, before);
    writeFileSync(file("command-v1.2.1", "stand-in.key"), "another\n");
    await install("command", "1.2.1", home);
    assert.notEqual(readFileSync(file("command-v1.2.1", "stand-in.key"), "utf8"), "another\n");
    assert.deepEqual(readdirSync(join(home, "plugins")).sort(), [
      "resource-command-v1.2.1",
      "resource-docker-v5.2.0",
    ]);
  });

  it("may be done twice at once", async () => {
    await Promise.all([install("command", "1.2.2", home), install("command", "1.2.2", home)]);
    assert.match(await firstLine(file("command-v1.2.2", "pulumi-resource-command")), /^\d+$/);
    assert.equal(readdirSync(join(home, "plugins")).filter((name) => name.startsWith(".")).length, 0);
  });

  it("never touches an official plugin", async () => {
    mkdirSync(join(home, "plugins/resource-docker-v9.9.9"));
    writeFileSync(file("docker-v9.9.9", "pulumi-resource-docker"), "official");
    await install("docker", "9.9.9", home);
    assert.equal(readFileSync(file("docker-v9.9.9", "pulumi-resource-docker"), "utf8"), "official");
  });

  it("has no stand-in for Kubernetes", async () => {
    await assert.rejects(
      install("kubernetes", "4.25.0", home),
      /no stand-in for the kubernetes plugin; there is one for: docker, command/,
    );
  });
});

/** Starts a plugin, reads what it says first, and ends it. */
function firstLine(launcher: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(launcher, ["127.0.0.1:1"], { stdio: ["ignore", "pipe", "inherit"] });
    child.on("error", reject);
    child.stdout.once("data", (chunk: Buffer) => {
      child.kill();
      resolve(chunk.toString().trim());
    });
    child.on("close", (code) => {
      reject(new Error(`the plugin ended with ${code ?? "a signal"} before it said anything`));
    });
  });
}
