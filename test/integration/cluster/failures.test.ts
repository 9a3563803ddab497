// What stands in the way of `make up`, and that it says so clearly, names the way out, and breaks nothing.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";

import { make, projectRoot, readySandboxes } from "../support/cluster.js";
import { stateText } from "../support/state.js";

describe("obstacles to make up", () => {
  let before: string;

  beforeEach(() => {
    before = stateText();
  });

  afterEach("nothing was changed", async () => {
    assert.equal(stateText(), before);
    await readySandboxes(2);
  });

  it("a port that is taken: says by whom, and how to choose another", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    try {
      const { exitCode, output } = await make("up", { HTTP_PORT: String(address.port) });
      assert.notEqual(exitCode, 0);
      assert.ok(output.includes(`port ${address.port}: taken by`), output);
      assert.ok(output.includes(`process ${process.pid}`), output);
      assert.match(output, /choose another/);
    } finally {
      server.close();
    }
  });

  it("a missing skills folder: names it and the variable", async () => {
    const { exitCode, output } = await make("up", { SKILLS_PATH: "/no/such/skills" });
    assert.notEqual(exitCode, 0);
    assert.match(output, /skills folder \/no\/such\/skills is missing/);
    assert.match(output, /SKILLS_PATH=/);
  });

  it("a Docker engine that cannot be reached: names the address", async () => {
    const { exitCode, output } = await make("up", {}, { DOCKER_HOST: "tcp://127.0.0.1:1" });
    assert.notEqual(exitCode, 0);
    assert.match(output, /DOCKER_HOST is tcp:\/\/127\.0\.0\.1:1, but no docker engine answers/);
    assert.match(output, /unset it/);
  });

  it("a full disk: says how much is free, how much is needed, and what to delete", async () => {
    const disk = mkdtempSync(join(tmpdir(), "sandlot-disk-"));
    await execa("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    try {
      const { exitCode, output } = await make("up", {}, { SANDLOT_CACHE: join(disk, "cache") });
      assert.notEqual(exitCode, 0);
      assert.match(output, /disk space at .*: 0\.0 GB free; needed: 3\.0 GB free/);
      assert.match(output, /docker system prune/);
    } finally {
      await execa("umount", [disk]);
      rmSync(disk, { recursive: true });
    }
  });

  for (const [variable, value, says] of [
    [
      "STACK",
      "no-such-stack",
      /There is no stack no-such-stack.*\n.*Stacks here: bench, dev, nodes, production, render, staging, test/,
    ],
    ["HTTP_PORT", "eighty", /HTTP_PORT is "eighty"; allowed: an integer/],
    ["HTTP_PROT", "80", /There is no variable HTTP_PROT. Did you mean HTTP_PORT\?/],
    ["REPLICAS", "501", /REPLICAS is "501"; allowed: an integer from 0 to 500/],
    ["API_PORT", "70000", /API_PORT is "70000"; allowed: an integer from 1 to 65535/],
    ["CONFIG", "docs", /CONFIG is docs, but \/.*\/docs is no file/],
  ] as const) {
    it(`a wrong variable, ${variable}=${value}: says what is allowed`, async () => {
      const { exitCode, output } = await make("up", { [variable]: value });
      assert.notEqual(exitCode, 0);
      assert.match(output, says);
    });
  }

  it("a mistake in the stack's file: the engine stops before it registers anything, without a stack trace", async () => {
    const file = join(projectRoot, "stacks/Pulumi.test-mistake.yaml");
    const good = readFileSync(join(projectRoot, "stacks/Pulumi.test.yaml"), "utf8");
    writeFileSync(
      file,
      good
        .replace(/(sandlot:sandbox:\n +replicas: )2/, "$1-2")
        .replace("16443", "16444")
        .replace("18081", "18082")
        .replace("18080", "18083"),
    );
    try {
      const { exitCode, output } = await make("up", { STACK: "test-mistake" });
      assert.notEqual(exitCode, 0);
      assert.match(output, /sandlot:sandbox\.replicas is -2; allowed: an integer from 0 to 500/);
      assert.doesNotMatch(output, /\n\s+at .*\.ts:\d+/);
      const { stdout } = await execa("docker", [
        "ps",
        "-aq",
        "--filter",
        "label=sandlot.dev/stack=test-mistake",
      ]);
      assert.equal(stdout, "");
    } finally {
      await make("down", { STACK: "test-mistake", VOLUMES: "1" });
      rmSync(file);
    }
  });
});
