// A sandbox's service account can do nothing: no role is bound to it, not by name and not by group.
import { bindingKinds } from "../lib/roles";
import { stackRule } from "../lib/rule";
import { at, listAt, textAt, type Value } from "../lib/values";
import { isSandbox } from "../lib/workloads";

interface Account {
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Whether a binding's subject includes an account. */
function includes(subject: Value, bindingNamespace: string | undefined, account: Account): boolean {
  const kind = textAt(subject, "kind");
  const name = textAt(subject, "name");
  if (kind === "ServiceAccount") {
    return name === account.name && (textAt(subject, "namespace") ?? bindingNamespace) === account.namespace;
  }
  const groups = [
    "system:authenticated",
    "system:serviceaccounts",
    `system:serviceaccounts:${account.namespace ?? ""}`,
  ];
  if (kind === "Group") return name !== undefined && groups.includes(name);
  return kind === "User" && name === `system:serviceaccount:${account.namespace ?? ""}:${account.name}`;
}

export const noRolesForSandboxes = stackRule(
  {
    name: "no-roles-for-sandboxes",
    group: "Access",
    description: "No role is bound to a service account that sandboxes run as.",
    severity: "critical",
    remediationSteps: "Bind the role to another account, and run sandboxes as one without roles",
    url: "https://kubernetes.io/docs/reference/access-authn-authz/rbac/",
  },
  (objects) => {
    const accounts = objects.flatMap(({ workload }) => {
      if (workload === undefined || !isSandbox(workload)) return [];
      const name =
        textAt(workload.spec, "serviceAccountName") ??
        (at(workload.spec, "serviceAccountName") === undefined ? "default" : undefined);
      return name === undefined ? [] : [{ namespace: workload.namespace, name }];
    });
    return objects
      .filter(({ kind }) => bindingKinds.includes(kind))
      .flatMap(({ urn, object }) => {
        const namespace = textAt(object, "metadata", "namespace");
        const hit = accounts.find((account) =>
          listAt(object, "subjects").some((subject) => includes(subject, namespace, account)),
        );
        const role = textAt(object, "roleRef", "name") ?? "";
        return hit === undefined
          ? []
          : [{ urn, message: `The role ${role} is bound to ${hit.name}, which sandboxes run as` }];
      });
  },
);
