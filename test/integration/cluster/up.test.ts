// `make up` from nothing, and again.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { make, mustMake, outputs, readySandboxes, stackDir } from "../support/cluster.js";
import { stateText } from "../support/state.js";

describe("make up", function () {
  this.timeout(600_000);

  before("nothing is left of an earlier run", () => mustMake("down", { VOLUMES: "1" }));

  it("brings the stack up and runs a program in a sandbox", async () => {
    const { output } = await mustMake("up");
    assert.match(output, /sum of the first 100 squares: 338350/);
    assert.match(output, /uid: 1000/);
    assert.match(output, /sandbox API\s+http:\/\/127\.0\.0\.1:18080/);
    for (const next of ["make exec", "make status", "make -s kubeconfig"])
      assert.ok(output.includes(next), next);
    await readySandboxes(2);
  });

  it("keeps the kubeconfig readable by its owner alone, and prints no secret", async () => {
    assert.equal(statSync(join(stackDir, "kubeconfig")).mode & 0o777, 0o600);
    const { output } = await mustMake("kubeconfig");
    assert.equal(output.trim(), `export KUBECONFIG=${join(stackDir, "kubeconfig")}`);
  });

  it("changes nothing the second time", async () => {
    const { output, seconds } = await mustMake("up");
    assert.match(output, /\d+ unchanged/);
    assert.doesNotMatch(output, /\+ \d+ created|~ \d+ updated|- \d+ deleted|\+-\d+ replaced/);
    console.log(`      the second make up took ${seconds.toFixed(1)} s`);
  });

  it("previews no change", async () => {
    const { output } = await mustMake("preview");
    assert.doesNotMatch(output, /to (create|update|delete|replace)|\[(create|update|delete|replace)\]/);
    assert.match(output, /\d+ unchanged/);
  });

  it("previews what a change of configuration would do, and does nothing", async () => {
    const { output } = await mustMake("preview", { REPLICAS: "3" });
    assert.match(output, /replicas: 2 => 3/);
    assert.match(output, /to update/);
    assert.doesNotMatch(output, /to (create|delete|replace)/);
    await readySandboxes(2);
  });

  it("shows no secret in a preview or in the engine's state", async () => {
    const { output } = await mustMake("preview");
    assert.doesNotMatch(output, /BEGIN [A-Z ]*PRIVATE KEY|client-key-data/);
    assert.doesNotMatch(stateText(), /client-key-data|BEGIN [A-Z ]*PRIVATE KEY/);
    assert.ok(stateText().includes("ciphertext"), "the kubeconfig is in the state, encrypted");
  });

  it("leaves no kubeconfig behind among the machine's temporary files", async () => {
    const before = new Set(readdirSync(tmpdir()));
    await mustMake("preview");
    const left = readdirSync(tmpdir()).filter((name) => !before.has(name) && name.startsWith("kubeconfig"));
    assert.deepEqual(
      left.filter((name) => readFileSync(join(tmpdir(), name), "utf8").includes("sandlot-test")),
      [],
    );
  });

  it("tells the stack's status for people and for programs", async () => {
    const text = await mustMake("status");
    assert.match(text.output, /Stack test: up/);
    assert.match(text.output, /runtime gvisor/);
    const status = JSON.parse((await mustMake("status", { FORMAT: "json" })).output) as {
      up: boolean;
      node: { ready: boolean; ports: string[]; memoryBytes: number };
      pods: { ready: boolean; runtimeClass: string }[];
    };
    assert.equal(status.up, true);
    assert.equal(status.node.ready, true);
    assert.ok(status.node.memoryBytes > 50 * 1024 ** 2);
    assert.deepEqual(
      status.pods.map(({ ready, runtimeClass }) => [ready, runtimeClass]),
      [
        [true, "gvisor"],
        [true, "gvisor"],
      ],
    );
    for (const port of status.node.ports)
      assert.ok(port.startsWith("127.0.0.1:"), `${port} is open to the network`);
  });

  it("runs commands in a sandbox and in the node, and passes on how they ended", async () => {
    assert.equal(
      (await mustMake("exec", { CMD: "echo $((6 * 7))".replace(/\$/g, "$$$$") })).output.trim(),
      "42",
    );
    assert.equal((await make("exec", { CMD: "exit 3" })).exitCode === 0, false);
    assert.match(
      (await mustMake("exec", { NODE: "1", CMD: "kubectl get nodes" })).output,
      /sandlot-test\s+Ready/,
    );
  });

  it("prints the sandboxes' and the node's logs", async () => {
    assert.match((await mustMake("logs", { TAIL: "5" })).output, /^\[pod\/sandbox-\S+ \{/m);
    assert.ok((await mustMake("logs", { NODE: "1", TAIL: "5" })).output.length > 0);
  });

  it("replaces the sandboxes at make reload", async () => {
    const before = (await readySandboxes(2)).map(({ metadata }) => metadata?.uid);
    await mustMake("reload");
    const after = (await readySandboxes(2)).map(({ metadata }) => metadata?.uid);
    assert.ok(after.every((uid) => !before.includes(uid)));
    assert.equal(outputs()["endpoint"], "http://127.0.0.1:18080");
  });
});
