// What accounts of the namespace can be told, and what none of them is ever granted.
import assert from "node:assert/strict";

import type { AccessRule, SandboxRbacArgs } from "@sandlot/components";

import { policyRules } from "../../../components/sandbox-rbac/objects";
import { resolve } from "../../../components/sandbox-rbac/resolve";
import { refuses } from "../../support/refuses";

const granted = (rule: Partial<AccessRule>) => ({
  accounts: [{ name: "reader", rules: [{ resources: ["pods"], verbs: ["get"], ...rule }] }],
});
const rules = [{ resources: ["pods"], verbs: ["get"] }];

refuses<SandboxRbacArgs>("SandboxRbac", resolve, { namespace: "sandlot", ...granted({}) }, [
  [{ serviceAccountName: "default" }, /serviceAccountName is "default", but must be an account of its own/],
  [{ serviceAccountName: "A" }, /serviceAccountName is "A"/],
  [{ accounts: [{ name: "default", rules }] }, /accounts\[0\]\.name is "default"/],
  [{ accounts: [{ name: "sandbox", rules }] }, /the sandboxes' own account, that has no rights/],
  [
    {
      accounts: [
        { name: "a", rules },
        { name: "a", rules },
      ],
    },
    /accounts\[1\]\.name is "a", which an earlier account has already/,
  ],
  [{ accounts: [{ name: "a", rules: [] }] }, /accounts\[0\]\.rules is empty/],
  [granted({ resources: [] }), /rules\[0\]\.resources is empty/],
  [granted({ verbs: [] }), /rules\[0\]\.verbs is empty/],
  [granted({ apiGroups: [] }), /rules\[0\]\.apiGroups is empty/],
  [granted({ resources: ["*"] }), /rules\[0\]\.resources\[0\] is "\*", .*\* is refused/],
  [granted({ resources: ["pods/*"] }), /resources\[0\] is "pods\/\*"/],
  [granted({ apiGroups: ["*"] }), /apiGroups\[0\] is "\*", .*\* is refused/],
  [granted({ verbs: ["*"] }), /verbs\[0\] is "\*", but must be one of get, list, watch/],
  [granted({ verbs: ["impersonate"] }), /verbs\[0\] is "impersonate"/],
  [granted({ resources: ["secrets"] }), /resources\[0\] is "secrets", .*rights of others/],
  [granted({ resources: ["serviceaccounts/token"], verbs: ["create"] }), /rights of others/],
  [granted({ resourceNames: ["A B"] }), /resourceNames\[0\] is "A B"/],
  ...["networkpolicies", "roles", "rolebindings", "resourcequotas", "limitranges", "serviceaccounts"].map(
    (wall) =>
      [
        granted({ resources: [wall], verbs: ["get", "delete"] }),
        new RegExp(`grants delete on ${wall}, which are the sandboxes' walls`),
      ] as const,
  ),
]);

describe("an account's rules", () => {
  it("may read the walls", () => {
    const apiGroups = ["networking.k8s.io"];
    const reading = granted({ apiGroups, resources: ["networkpolicies"], verbs: ["get", "list", "watch"] });
    assert.doesNotThrow(() => resolve("it", { namespace: "sandlot", ...reading }));
  });

  it("are about the core group and all objects unless they say otherwise", () => {
    const { accounts } = resolve("it", { namespace: "sandlot", ...granted({}) });
    assert.deepEqual(policyRules(accounts[0]?.rules ?? []), [
      { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
    ]);
    const named = resolve("it", { namespace: "sandlot", ...granted({ resourceNames: ["one"] }) });
    assert.deepEqual(policyRules(named.accounts[0]?.rules ?? [])[0]?.["resourceNames" as never], ["one"]);
  });
});
