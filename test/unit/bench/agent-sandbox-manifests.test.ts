import assert from "node:assert/strict";

import { isIdle, isReady, sandboxTemplate } from "../../../bench/agent-sandbox/manifests.js";

const conditions = (status: string) => [
  { type: "Suspended", status: "True", lastTransitionTime: new Date(), message: "", reason: "" },
  { type: "Ready", status, lastTransitionTime: new Date(), message: "", reason: "" },
];
const pooled = { labels: { "agents.x-k8s.io/warm-pool-sandbox": "a1" } };

describe("agent-sandbox's objects", () => {
  it("are Ready when the controller says so", () => {
    assert.equal(isReady({ status: { conditions: conditions("True") } }), true);
    assert.equal(isReady({ status: { conditions: conditions("False") } }), false);
    assert.equal(isReady({}), false);
    assert.equal(isReady(undefined), false);
  });

  it("are idle when they are a pool's, Ready and not being deleted", () => {
    const status = { conditions: conditions("True") };
    assert.equal(isIdle({ metadata: pooled, status }), true);
    assert.equal(isIdle({ metadata: {}, status }), false);
    assert.equal(isIdle({ metadata: { ...pooled, deletionTimestamp: new Date() }, status }), false);
    assert.equal(isIdle({ metadata: pooled }), false);
  });

  it("make sandboxes of the pod that they are given, wherever there is room", () => {
    const spec = { containers: [{ name: "sandbox", image: "sandbox:1" }] };
    const pod = { metadata: { name: "pod", labels: { c: "d" } }, spec: { ...spec, nodeName: "node" } };
    assert.deepEqual(sandboxTemplate("bench", pod, { a: "b" }), {
      apiVersion: "extensions.agents.x-k8s.io/v1beta1",
      kind: "SandboxTemplate",
      metadata: { name: "bench" },
      spec: {
        podTemplate: { metadata: { labels: { a: "b" } }, spec },
        networkPolicyManagement: "Unmanaged",
      },
    });
    assert.equal(pod.spec.nodeName, "node");
  });
});
