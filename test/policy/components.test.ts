// The policy pack judges what the components really register.
import assert from "node:assert/strict";

import { SandboxPlatform, SandboxServiceType } from "@sandlot/components";

import { rules } from "../../policies/rules";
import { record } from "../support/graph";
import { violations, type Resource } from "../support/policy";

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
    resources = graph.resources.map(({ type, name, inputs }) => ({ type, name, props: inputs }));
    assert.ok(resources.some(({ type }) => type === "kubernetes:apps/v1:Deployment"));
  });

  for (const rule of rules) {
    it(`finds nothing against ${rule.name}`, async () => {
      assert.deepEqual(await violations(rule, resources), []);
    });
  }

  it("finds that sandboxes without gVisor run on the node's kernel", async () => {
    const graph = await record(
      () => new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", gvisor: false }),
    );
    const bare = graph.resources.map(({ type, name, inputs }) => ({ type, name, props: inputs }));
    const found = await Promise.all(
      rules.map(async (rule) => ((await violations(rule, bare)).length > 0 ? [rule.name] : [])),
    );
    assert.deepEqual(found.flat(), ["runtime-class-required"]);
  });
});
