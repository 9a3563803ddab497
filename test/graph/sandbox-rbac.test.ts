// What SandboxRbac registers: the sandboxes' account, which has nothing, and others with a Role of the namespace each.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import { SandboxRbac, type SandboxRbacOptions } from "@sandlot/components";

import { record, recordFailure, type Graph } from "../support/graph";

function access(options: SandboxRbacOptions = {}): Promise<Graph> {
  return record(() => {
    const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
    new SandboxRbac("rbac", { ...options, namespace: "sandlot" }, { provider });
  });
}

const reader = { name: "log-reader", rules: [{ resources: ["pods", "pods/log"], verbs: ["get", "list"] }] };

describe("SandboxRbac's graph", () => {
  it("is the sandboxes' account alone, without a token and without any role", async () => {
    const graph = await access();
    assert.deepEqual(
      graph.childrenOf(graph.get("rbac")).map(({ urn }) => urn),
      [
        "urn:pulumi:test::sandlot::sandlot:index:SandboxRbac$kubernetes:core/v1:ServiceAccount::rbac-service-account",
      ],
    );
    assert.equal(graph.get("rbac-service-account").inputs["automountServiceAccountToken"], false);
    assert.deepEqual(graph.get("rbac").registered, [{ serviceAccountName: "sandbox" }]);
  });

  it("gives each further account a Role of the namespace with its rules, bound to it and nobody else", async () => {
    const graph = await access({ accounts: [reader] });
    const provider = `${graph.get("cluster").urn}::cluster-id`;
    const children = graph.childrenOf(graph.get("rbac"));
    assert.deepEqual(children.map(({ name, type }) => `${name} ${type.split(":").at(-1) ?? ""}`).sort(), [
      "rbac-account-log-reader ServiceAccount",
      "rbac-role-binding-log-reader RoleBinding",
      "rbac-role-log-reader Role",
      "rbac-service-account ServiceAccount",
    ]);
    for (const each of children) {
      assert.equal(each.provider, provider);
      assert.equal((each.inputs["metadata"] as { namespace: string }).namespace, "sandlot");
    }
    assert.equal(graph.get("rbac-account-log-reader").inputs["automountServiceAccountToken"], false);
    assert.deepEqual(graph.get("rbac-role-log-reader").inputs["rules"], [
      { apiGroups: [""], resources: ["pods", "pods/log"], verbs: ["get", "list"] },
    ]);
    const binding = graph.get("rbac-role-binding-log-reader");
    assert.deepEqual(binding.inputs["roleRef"], {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "Role",
      name: "log-reader",
    });
    assert.deepEqual(binding.inputs["subjects"], [
      { kind: "ServiceAccount", name: "log-reader", namespace: "sandlot" },
    ]);
    assert.ok(graph.comesAfter(binding, graph.get("rbac-role-log-reader")));
  });

  it("registers nothing when a rule grants too much", async () => {
    const rules = [{ resources: ["*"], verbs: ["*"] }];
    const { error, graph } = await recordFailure(
      () => new SandboxRbac("rbac", { namespace: "sandlot", accounts: [{ name: "a", rules }] }),
    );
    assert.deepEqual(graph.names(), []);
    assert.match(error.message, /resources\[0\] is "\*"[^]*verbs\[0\] is "\*"/);
  });
});
