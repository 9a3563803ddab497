// The stack that renders YAML: files and no cluster, the same ones each time.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseAllDocuments, stringify } from "yaml";

import { kubectl, make, node } from "../support/cluster.js";
import { execa } from "execa";

describe("make up STACK=render", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "sandlot-rendered-"));
  const directory = join(folder, "yaml");
  const config = join(folder, "overlay.yaml");

  const render = () =>
    make(
      "up",
      { STACK: "render", CONFIG: config },
      { KUBECONFIG: "/no/such/kubeconfig", DOCKER_HOST: "tcp://127.0.0.1:1" },
    );

  /** Every file by its name. */
  const files = (): Record<string, string> =>
    Object.fromEntries(
      readdirSync(join(directory, "1-manifest"))
        .sort()
        .map((name) => [name, readFileSync(join(directory, "1-manifest", name), "utf8")]),
    );

  before(() => {
    writeFileSync(config, stringify({ config: { "sandlot:target": { directory } } }));
  });

  after(async () => {
    await make("down", { STACK: "render" });
    rmSync(folder, { recursive: true });
  });

  it("writes every object as YAML, with neither a cluster nor Docker", async () => {
    const { exitCode, output } = await render();
    assert.equal(exitCode, 0, output);
    const kinds = Object.values(files()).flatMap((text) =>
      parseAllDocuments(text).map((document) => (document.toJS() as { kind: string }).kind),
    );
    for (const kind of ["Namespace", "NetworkPolicy", "Deployment", "Service", "ResourceQuota"])
      assert.ok(kinds.includes(kind), `${kind} is not among ${kinds.join(", ")}`);
  });

  it("writes what an API server takes", async () => {
    const items = Object.values(files()).flatMap((text) =>
      parseAllDocuments(text).map((document) => document.toJS() as object),
    );
    const { stdout } = await execa(
      "docker",
      ["exec", "-i", node, "kubectl", "apply", "--dry-run=client", "--validate=strict", "--filename", "-"],
      { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) },
    );
    assert.equal(stdout.split("\n").length, items.length);
    assert.ok((await kubectl("get", "namespaces")).ok);
  });

  it("writes the same again, also what was deleted or edited, and nothing else", async () => {
    const before = files();
    const [first = "", second = ""] = Object.keys(before);
    rmSync(join(directory, "1-manifest", first));
    writeFileSync(join(directory, "1-manifest", second), "edited: true\n");
    writeFileSync(join(directory, "1-manifest", "left-over.yaml"), "old: true\n");
    const { exitCode, output } = await render();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(files(), before);
  });

  it("does not touch a folder that holds anything else", async () => {
    mkdirSync(join(directory, "mine"));
    const { exitCode, output } = await render();
    assert.notEqual(exitCode, 0);
    assert.match(output, /holds something else: mine/);
    assert.ok(Object.keys(files()).length > 5);
    rmSync(join(directory, "mine"), { recursive: true });
  });

  it("has no drift, no status and nothing to run a command in, and says so", async () => {
    for (const command of ["drift", "status", "exec", "logs", "kubeconfig", "api-key", "reload"]) {
      const { exitCode, output } = await make(command, {
        STACK: "render",
        ...(command === "exec" ? { CMD: "true" } : {}),
      });
      assert.notEqual(exitCode, 0);
      assert.match(output, /Stack render has no cluster to look at/);
    }
  });
});
