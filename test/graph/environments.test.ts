// What the program registers for each of the committed stacks: a cluster of its own, one that is there, or none.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as pulumi from "@pulumi/pulumi";

import { deploy } from "../../infra/program";
import { refuseSecrets } from "../../infra/targets/render";
import { record, recordFailure, type Graph } from "../support/graph";
import { committedConfiguration, stackConfiguration } from "../support/stack-configuration";

const digest = `registry.example.com/team/sandbox@sha256:${"0".repeat(64)}`;

/** What whoever uses the stack puts into its file. */
const images = {
  sandbox: { image: digest },
  provisioner: { image: digest, existingSecret: "provisioner-keys" },
};

const kubeconfigFor = (context: string): string =>
  JSON.stringify({
    clusters: [{ name: "c", cluster: { server: "https://cluster.example.com" } }],
    users: [
      { name: "u", user: { token: "u-token" } },
      { name: "other", user: { token: "other-token" } },
    ],
    contexts: [{ name: context, context: { cluster: "c", user: "u" } }],
  });

describe("environments", () => {
  let root: string;

  before("a project folder with a kubeconfig", () => {
    root = mkdtempSync(join(tmpdir(), "sandlot-environments-"));
    mkdirSync(join(root, "skills"));
    for (const stack of ["staging", "production"])
      writeFileSync(join(root, `kubeconfig-${stack}`), kubeconfigFor(stack));
  });

  after(() => {
    rmSync(root, { recursive: true });
  });

  for (const stack of ["staging", "production"]) {
    describe(stack, () => {
      let graph: Graph;
      before(async () => {
        const on = { target: { kubeconfigPath: `kubeconfig-${stack}` }, ...images };
        graph = await record(() => deploy(root), { stack, config: stackConfiguration(stack, on) });
      });

      it("makes no cluster, loads no image and runs no command on this machine", () => {
        assert.deepEqual(
          graph.resources.filter(({ type }) => /^(docker|command):/.test(type)).map(({ name }) => name),
          [],
        );
        assert.ok(!graph.components().some(({ type }) => /K3sCluster|NodeImage/.test(type)));
      });

      it("goes to the one cluster that is named, by a strict provider with server-side apply", () => {
        const provider = graph.get("cluster", "pulumi:providers:kubernetes");
        const { context, clusterIdentifier, enableServerSideApply, deleteUnreachable } = provider.inputs;
        assert.deepEqual(
          { context, clusterIdentifier, enableServerSideApply, deleteUnreachable },
          {
            context: stack,
            clusterIdentifier: stack,
            enableServerSideApply: "true",
            deleteUnreachable: "false",
          },
        );
        assert.equal(committedConfiguration(stack)["kubernetes:strictMode"], "true");
        for (const resource of graph.resources.filter(({ type }) => type.startsWith("kubernetes:"))) {
          assert.ok(resource.provider.startsWith(provider.urn), `${resource.name} is in another cluster`);
        }
      });

      it("keeps the kubeconfig secret, and nobody else's credentials at all", () => {
        const { secretInputs, inputs } = graph.get("cluster", "pulumi:providers:kubernetes");
        assert.ok(secretInputs.includes("kubeconfig"));
        // A Secret or ConfigMap that is replaced is gone for a moment, or for good if the update is cut off.
        assert.deepEqual([inputs["enableSecretMutable"], inputs["enableConfigMapMutable"]], ["true", "true"]);
        assert.match(inputs["kubeconfig"] as string, /u-token/);
        assert.doesNotMatch(inputs["kubeconfig"] as string, /other-token/);
      });

      it("mounts no folder of this machine", () => {
        assert.equal(graph.ofType("kubernetes:core/v1:PersistentVolume").length, 0);
      });
    });
  }

  it("production: three sandboxes, two of which evictions must leave, in a protected namespace", async () => {
    const on = { target: { kubeconfigPath: "kubeconfig-production" }, ...images };
    const graph = await record(() => deploy(root), {
      stack: "production",
      config: stackConfiguration("production", on),
    });
    assert.equal(graph.get("sandlot-home-namespace").protect, true);
    const spec = (name: string) => graph.get(name).inputs["spec"] as Record<string, unknown>;
    assert.equal(spec("sandlot-sandbox-deployment")["replicas"], 3);
    assert.equal(spec("sandlot-sandbox-disruption-budget")["minAvailable"], 2);
  });

  it("takes the kubeconfig from a secret as well", async () => {
    const config = stackConfiguration("production", images);
    const target = { ...(JSON.parse(config["sandlot:target"] ?? "{}") as object), kubeconfigPath: undefined };
    config["sandlot:target"] = JSON.stringify({ ...target, kubeconfig: kubeconfigFor("production") });
    const graph = await record(() => deploy(root), {
      stack: "production",
      config,
      secretKeys: ["sandlot:target"],
    });
    assert.ok(graph.get("cluster", "pulumi:providers:kubernetes").secretInputs.includes("kubeconfig"));
  });

  it("render: every object goes into files, and into no cluster", async () => {
    const graph = await record(() => deploy(root), { stack: "render", config: stackConfiguration("render") });
    const { inputs } = graph.get("cluster", "pulumi:providers:kubernetes");
    assert.equal(inputs["renderYamlToDirectory"], join(root, ".sandlot/rendered"));
    assert.ok(!inputs["kubeconfig"] && !inputs["context"], "a kubeconfig would be asked");
    assert.ok(graph.has("sandlot-sandbox-deployment"));
    assert.equal(graph.resources.filter(({ type }) => /^(docker|command):/.test(type)).length, 0);
  });

  it("render: refuses to write a secret into a file, and names object and property", async () => {
    const gated = refuseSecrets({
      type: "kubernetes:core/v1:ConfigMap",
      name: "notes",
      props: { data: { plain: "yes", token: pulumi.secret("do-not-tell") }, metadata: { name: "notes" } },
      opts: {},
      resource: undefined as never,
    }) as { props: Record<string, pulumi.Output<unknown> & { promise(): Promise<unknown> }> };
    await assert.rejects(
      async () => gated.props["data"]?.promise(),
      (error: Error) =>
        /notes: data holds a secret/.test(error.message) && !error.message.includes("do-not-tell"),
    );
    assert.deepEqual(await gated.props["metadata"]?.promise(), { name: "notes" });
  });

  for (const [title, stack, on, says] of [
    [
      "no such kubeconfig",
      "production",
      { target: { kubeconfigPath: "none" } },
      /target\.kubeconfigPath is ".*none", which cannot be used: it cannot be read \(ENOENT\)/,
    ],
    [
      "no such context",
      "production",
      { target: { kubeconfigPath: "kubeconfig-staging" } },
      /it has no context "production"; it has: staging/,
    ],
    [
      "no image",
      "production",
      { target: { kubeconfigPath: "kubeconfig-production" } },
      /sandlot:sandbox\.image is missing: target\.kind is existing/,
    ],
    [
      "no image of the provisioner",
      "production",
      { target: { kubeconfigPath: "kubeconfig-production" }, sandbox: { image: digest } },
      /sandlot:provisioner\.image is missing: target\.kind is existing/,
    ],
    [
      "an egress proxy and no provisioner",
      "production",
      {
        target: { kubeconfigPath: "kubeconfig-production" },
        sandbox: { image: digest },
        provisioner: { enabled: false, egressProxy: { enabled: true } },
      },
      /provisioner\.egressProxy.*it comes with the provisioner/,
    ],
    [
      "no keys of the provisioner",
      "production",
      {
        target: { kubeconfigPath: "kubeconfig-production" },
        sandbox: { image: digest },
        provisioner: { image: digest },
      },
      /provisioner\.signingKey is missing;.*\n.*provisioner\.tenants and provisioner\.apiKey are missing/,
    ],
  ] as const) {
    it(`${title}: one clear error, and nothing is registered`, async () => {
      const { error, graph } = await recordFailure(() => deploy(root), {
        stack,
        config: stackConfiguration(stack, on),
      });
      assert.match(error.message, says);
      assert.deepEqual(graph.names(), []);
    });
  }
});
