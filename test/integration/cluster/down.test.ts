// `make down`: nothing stays but what is asked for. The last of the cluster tests.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";

import { execa } from "execa";

import { make, mustMake, node, readySandboxes, stack, stackDir } from "../support/cluster.js";

/** The names of the stack's objects of one kind that Docker has. */
async function left(kind: "container" | "volume" | "network"): Promise<string[]> {
  const all = kind === "container" ? ["--all"] : [];
  const filter = `label=sandlot.dev/stack=${stack}`;
  const { stdout } = await execa("docker", [
    kind,
    "ls",
    ...all,
    "--filter",
    filter,
    "--format",
    kind === "container" ? "{{.Names}}" : "{{.Name}}",
  ]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("make down", function () {
  this.timeout(600_000);

  it("takes everything down and keeps the data", async () => {
    await execa("docker", [
      "exec",
      node,
      "sh",
      "-c",
      "mkdir -p /var/lib/rancher/k3s/storage && echo kept > /var/lib/rancher/k3s/storage/note",
    ]);
    const { output } = await mustMake("down");
    assert.match(output, /The data is kept in the Docker volume sandlot-test/);
    assert.deepEqual(
      [await left("container"), await left("network"), await left("volume")],
      [[], [], [node]],
    );
    assert.ok(!existsSync(stackDir));
    assert.notEqual((await make("status")).exitCode, 0);
  });

  it("finds the data again at the next make up", async () => {
    await mustMake("up");
    await readySandboxes(2);
    const { stdout } = await execa("docker", ["exec", node, "cat", "/var/lib/rancher/k3s/storage/note"]);
    assert.equal(stdout, "kept");
  });

  it("leaves no container, volume, network or file behind with VOLUMES=1, and may be repeated", async () => {
    const format = "{{range .Mounts}}{{if .Name}}{{.Name}} {{end}}{{end}}";
    const mounted = (await execa("docker", ["inspect", "--format", format, node])).stdout.trim().split(" ");
    assert.ok(mounted.length > 1, "the node has volumes without a name of ours as well");
    await mustMake("down", { VOLUMES: "1" });
    const { stdout: volumes } = await execa("docker", ["volume", "ls", "--quiet"]);
    assert.deepEqual(
      mounted.filter((name) => volumes.split("\n").includes(name)),
      [],
    );
    assert.deepEqual([await left("container"), await left("network"), await left("volume")], [[], [], []]);
    assert.ok(!existsSync(stackDir));
    await mustMake("down", { VOLUMES: "1" });
  });
});
