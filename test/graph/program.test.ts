// The whole program under mocks: what each stack registers, and that nothing is registered when configuration is wrong.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { deploy } from "../../infra/program";
import { badConfiguration } from "../support/bad-configuration";
import { record, recordFailure } from "../support/graph";

const stacks = resolve(__dirname, "../../stacks");

/** Configuration as the engine hands it over. */
function entries(config: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.startsWith("sandlot:") ? key : `sandlot:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

describe("the program", () => {
  let root: string;

  before("a project folder whose images are known", () => {
    root = mkdtempSync(join(tmpdir(), "sandlot-program-"));
    mkdirSync(join(root, "skills"));
    mkdirSync(join(root, ".sandlot/stacks/dev"), { recursive: true });
    const images = {
      nodeImage: { ref: "sandlot/node:1" },
      sandboxImage: { ref: "sandlot/sandbox:1" },
      provisionerImage: { ref: "sandlot/provisioner:1" },
    };
    writeFileSync(join(root, ".sandlot/stacks/dev/resolved.json"), JSON.stringify(images));
  });

  after(() => {
    rmSync(root, { recursive: true });
  });

  const run = (config: Readonly<Record<string, unknown>>) =>
    record(() => deploy(root), { stack: "dev", config: entries(config) });

  it("dev: a cluster, the sandbox image in it, and the platform on it", async () => {
    const { config } = parse(readFileSync(join(stacks, "Pulumi.dev.yaml"), "utf8")) as {
      config: Record<string, unknown>;
    };
    const graph = await run(config);
    assert.deepEqual(
      graph
        .components()
        .filter(({ parent }) => parent === "" || parent.includes("pulumi:pulumi:Stack"))
        .map(({ type }) => type)
        .sort(),
      ["K3sCluster", "NodeImage", "NodeImage", "SandboxPlatform"].map((type) => `sandlot:index:${type}`),
    );
    const provider = graph.get("cluster", "pulumi:providers:kubernetes");
    assert.ok(provider.secretInputs.includes("kubeconfig"), "the kubeconfig is a secret");
    for (const resource of graph.resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
      assert.ok(resource.provider.startsWith(provider.urn), `${resource.name} is in another cluster`);
    }
    assert.ok(
      graph.comesAfter(graph.get("sandlot"), graph.get("sandbox-image")),
      "pods start when their image is loaded",
    );
    assert.ok(
      graph.comesAfter(graph.get("sandlot-provisioner-deployment"), graph.get("provisioner-image")),
      "so does the provisioner",
    );
  });

  it("lets this machine in through the published port, and nobody else from outside", async () => {
    const graph = await run({});
    const blocks = graph
      .ofType("kubernetes:networking.k8s.io/v1:NetworkPolicy")
      .flatMap(({ inputs }) => JSON.stringify(inputs["spec"]).match(/"from":\[.*?\]/g) ?? [])
      .flatMap((from) => from.match(/\d+\.\d+\.\d+\.\d+\/\d+/g) ?? []);
    assert.deepEqual(blocks, ["172.18.0.1/32"]);
  });

  it("platform: false leaves the cluster alone", async () => {
    const graph = await run({ platform: false });
    assert.equal(graph.ofType("kubernetes:core/v1:Namespace").length, 0);
    assert.ok(graph.has("cluster-node"));
  });

  it("an image with a digest is left to the node to pull", async () => {
    const digest = `team/sandbox@sha256:${"0".repeat(64)}`;
    const graph = await run({ sandbox: { image: digest } });
    assert.equal(graph.has("sandbox-image"), false);
    assert.ok(JSON.stringify(graph.get("sandlot-sandbox-deployment").inputs).includes(digest));
  });

  it("isolation: none leaves out the RuntimeClass", async () => {
    const graph = await run({ runtime: { isolation: "none" } });
    assert.equal(graph.ofType("kubernetes:node.k8s.io/v1:RuntimeClass").length, 0);
    assert.ok(!JSON.stringify(graph.resources.map(({ inputs }) => inputs)).includes("runtimeClassName"));
  });

  it("takes the image that setup made of a configured one, and the configured one otherwise", async () => {
    const image = (await run({ cluster: { image: "rancher/k3s:v1.34.6-k3s1" } })).get("cluster-image").inputs[
      "name"
    ];
    assert.equal(image, "rancher/k3s:v1.34.6-k3s1");
    assert.equal((await run({})).get("cluster-image").inputs["name"], "sandlot/node:1");
  });

  for (const { title, config, says } of badConfiguration) {
    it(`${title}: one clear error, and nothing is registered`, async () => {
      const { error, graph } = await recordFailure(() => deploy(root), {
        stack: "dev",
        config: entries(config),
      });
      for (const text of says) assert.ok(error.message.includes(text), `${error.message}\nlacks: ${text}`);
      assert.deepEqual(graph.names(), []);
    });
  }

  for (const [title, config, says] of [
    [
      "limits over the namespace's",
      { sandbox: { resources: { limits: { memory: "64Gi" } } } },
      /deployment\.resources\.limits\.memory/,
    ],
    [
      "requests over limits",
      { sandbox: { resources: { requests: { cpu: "4" }, limits: { cpu: "1" } } } },
      /cpu/,
    ],
    ["more replicas than the quota has pods", { sandbox: { replicas: 60 } }, /quota/],
    ["a port of the node twice", { cluster: { ports: [{ host: 9000, node: 6443 }] } }, /already published/],
    [
      "a mount over the node's own files",
      { cluster: { mounts: [{ source: "/srv", target: "/proc" }] } },
      /mounts\[0\]\.target/,
    ],
  ] as const) {
    it(`what only the components know is wrong, ${title}: nothing is registered`, async () => {
      const { error, graph } = await recordFailure(() => deploy(root), {
        stack: "dev",
        config: entries(config),
      });
      assert.match(error.message, says);
      assert.deepEqual(graph.names(), []);
    });
  }
});
