// What the package's plugin makes for programs in other languages: the same classes, with the outputs that its schema promises.
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import { componentProvider } from "../../component-package/provider";
import type { PackageSpec } from "../../component-package/generate/spec";
import { record } from "../support/graph";

const provider = componentProvider();
const { resources } = JSON.parse(provider.schema ?? "") as PackageSpec;

const key = pulumi.secret("0".repeat(64));

/** Inputs as they come from another language, for every component. */
const inputs: Readonly<Record<string, pulumi.Inputs>> = {
  EgressProxy: { namespace: "n", systemNamespace: "n-system", image: "provisioner:1" },
  GvisorRuntime: {},
  ImageScan: { image: pulumi.output("sandbox:1"), accepted: [{ id: "CVE-2026-1", reason: "not reached" }] },
  K3sCluster: { stack: "dev", owner: "me", agents: 1 },
  NodeImage: { image: "sandbox:1", containerName: "node", containerId: pulumi.output("c0ffee") },
  Observability: { namespace: "n" },
  Provisioner: {
    namespace: "n",
    image: "provisioner:1",
    sandboxServiceAccountName: "sandbox",
    apiKey: key,
    signingKey: key,
    tracing: {
      endpoint: "http://collector:4318",
      samplingRatio: 0.5,
      collector: { cidrs: ["198.51.100.7/32"] },
    },
  },
  SandboxDeployment: { namespace: pulumi.output("n"), image: "sandbox:1", serviceAccountName: "sandbox" },
  SandboxEnvironment: { name: "python", namespace: "n", sandboxImage: "sandbox:1" },
  SandboxNamespace: { quota: { pods: 3 } },
  SandboxNetworkPolicies: { namespace: pulumi.output("n") },
  SandboxPlatform: {
    image: "sandbox:1",
    gvisorCheck: { enabled: false },
    provisioner: { image: "provisioner:1", apiKey: key, signingKey: key },
  },
  SandboxRbac: { namespace: "n" },
  SkillsStorage: { namespace: "n", hostPath: "/srv/skills" },
  UserDataRetention: { namespace: "n", claimName: "user-data", image: "sandbox:1", days: 30 },
  UserDataStorage: { namespace: "n", storageClass: "fast" },
};

const construct = (type: string, name: string, given: pulumi.Inputs) => {
  assert.ok(provider.construct);
  return provider.construct(name, type, given, {});
};

describe("the component package's plugin", () => {
  it("has a case here for every component", () => {
    assert.deepEqual(
      Object.keys(inputs).map((name) => `sandlot:index:${name}`),
      Object.keys(resources),
    );
  });

  for (const [name, given] of Object.entries(inputs)) {
    const type = `sandlot:index:${name}`;
    it(`makes ${name}, with every output of the schema`, async () => {
      let state: pulumi.Inputs = {};
      let secret: string[] = [];
      const graph = await record(async () => {
        ({ state } = await construct(type, "it", given));
        const outputs = Object.entries(state).filter(([, value]) => pulumi.Output.isInstance(value));
        const isSecret = await Promise.all(outputs.map(([, value]) => pulumi.isSecret(value as never)));
        secret = outputs.map(([field]) => field).filter((_, i) => isSecret[i]);
      });
      assert.equal(graph.get("it", type).custom, false);
      const { properties = {} } = resources[type] ?? {};
      assert.deepEqual(Object.keys(state), Object.keys(properties));
      for (const [field, value] of Object.entries(state)) assert.notEqual(value, undefined, field);
      const promised = Object.keys(properties).filter((field) => properties[field]?.secret === true);
      assert.deepEqual(secret, promised, "secrets.ts names the outputs that are secret");
    });
  }

  it("makes nothing of bad inputs, and says what is wrong as in TypeScript", async () => {
    const graph = await record(async () => {
      await assert.rejects(() => construct("sandlot:index:SandboxNamespace", "it", { quota: { pods: -1 } }), {
        name: "ArgumentError",
        message: /^SandboxNamespace "it": quota\.pods is -1, but must be /,
      });
      await assert.rejects(
        () => construct("sandlot:index:SandboxRbac", "it", { namespace: "n", acounts: [] }),
        { name: "ArgumentError", message: /acounts is not known; perhaps accounts is meant\.$/ },
      );
      await assert.rejects(
        () => construct("sandlot:index:Sandbox", "it", {}),
        /the package sandlot has no component sandlot:index:Sandbox; it has sandlot:index:EgressProxy, /,
      );
    });
    assert.deepEqual(
      graph.names(),
      graph.names().filter((name) => name !== "it"),
    );
  });
});
