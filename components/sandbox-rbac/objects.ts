// An account's Role and RoleBinding, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { AccessRule } from "./args";

/** The rules as the API server takes them: no names means all. */
export function policyRules(rules: readonly Required<AccessRule>[]): k8s.types.input.rbac.v1.PolicyRule[] {
  return rules.map(({ apiGroups, resources, resourceNames, verbs }) => ({
    apiGroups,
    resources,
    verbs,
    ...(resourceNames.length === 0 ? {} : { resourceNames }),
  }));
}

/** Who has the Role `name`: the account of the same name. */
export function bindingParts(
  name: string,
  namespace: pulumi.Input<string>,
): Pick<k8s.rbac.v1.RoleBindingArgs, "roleRef" | "subjects"> {
  return {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  };
}
