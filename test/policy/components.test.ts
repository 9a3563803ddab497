// The policy pack, as development configures it, judges what the components really register.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { GvisorMode, SandboxPlatform, SandboxServiceType } from "@sandlot/components";

import { rules } from "../../policies/rules";
import { record, type RecordedResource } from "../support/graph";
import { violations, type Resource } from "../support/policy";
import { readPolicyConfig } from "../support/policy-config";

// The components' defaults are for trying them out.
const policies = readPolicyConfig("development");
const held = rules.filter((rule) => policies.level(rule) === "mandatory");

function asResource({ type, name, inputs, protect }: RecordedResource): Resource {
  return { type, name, props: inputs, protect };
}

describe("the policy pack on SandboxPlatform", () => {
  let resources: Resource[];
  before(async () => {
    const graph = await record(
      () =>
        new SandboxPlatform("sandlot", {
          image: "sandlot/sandbox:1.0.0",
          skills: { hostPath: "/mnt/skills" },
          network: { ingressPeers: [{ cidr: "172.18.0.1/32" }], clusterCidrs: ["203.0.114.0/24"] },
          deployment: { service: { type: SandboxServiceType.NodePort } },
        }),
    );
    resources = graph.resources.map(asResource);
    assert.ok(resources.some(({ type }) => type === "kubernetes:apps/v1:Deployment"));
  });

  for (const rule of held) {
    it(`finds nothing against ${rule.name}`, async () => {
      assert.deepEqual(await violations(rule, resources, policies.settings(rule.name)), []);
    });
  }

  it("finds against gVisor's installer what its guide excepts it from, and nothing else", async () => {
    const image = `registry.example.com/tools@sha256:${"0".repeat(64)}`;
    const graph = await record(
      () =>
        new SandboxPlatform("sandlot", {
          image: "sandlot/sandbox:1.0.0",
          runtime: { mode: GvisorMode.Install, install: { image } },
        }),
    );
    const installing = graph.resources.map(asResource);
    const found = async (exceptions: Record<string, object>): Promise<string[]> => {
      const of = held.map(async (rule) => {
        const settings = { ...policies.settings(rule.name), ...exceptions[rule.name] };
        return (await violations(rule, installing, settings)).length > 0 ? [rule.name] : [];
      });
      return (await Promise.all(of)).flat().sort();
    };
    const exceptions = installerExceptions();
    assert.deepEqual(await found({}), Object.keys(exceptions));
    assert.deepEqual(await found(exceptions), []);
  });

  it("finds nothing against what removes users' stale data", async () => {
    const graph = await record(
      () =>
        new SandboxPlatform("sandlot", {
          image: "sandlot/sandbox:1.0.0",
          userData: { storageClass: "standard" },
          userDataRetention: { days: 30 },
          provisioner: { image: "sandlot/provisioner:1.0.0", generateKeys: true },
        }),
    );
    const removing = graph
      .childrenOf(graph.get("sandlot-user-data-retention"))
      .map((resource) => asResource(resource));
    assert.equal(removing.length, 2);
    for (const rule of held)
      assert.deepEqual(await violations(rule, removing, policies.settings(rule.name)), [], rule.name);
  });

  it("finds that sandboxes without gVisor run on the node's kernel", async () => {
    const graph = await record(
      () => new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", gvisor: false }),
    );
    const bare = graph.resources.map(asResource);
    const found = await Promise.all(
      held.map(async (rule) =>
        (await violations(rule, bare, policies.settings(rule.name))).length > 0 ? [rule.name] : [],
      ),
    );
    assert.deepEqual(found.flat(), ["runtime-class-required"]);
  });
});

/** The exceptions that docs/gvisor.md tells whoever installs gVisor to make. */
function installerExceptions(): Record<string, object> {
  const guide = readFileSync(resolve(__dirname, "../../docs/gvisor.md"), "utf8");
  const block = /```json\n(\{[^`]*"exclude"[^`]*\})\n```/.exec(guide)?.[1];
  assert.ok(block !== undefined, "docs/gvisor.md has no exceptions");
  return JSON.parse(block) as Record<string, object>;
}
