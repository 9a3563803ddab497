// A wildcard grants what nobody has thought of yet.
import { grantsOf, roleKinds } from "../lib/roles";
import { objectRule } from "../lib/rule";

export const noWildcardRoles = objectRule(
  {
    name: "no-wildcard-roles",
    group: "Access",
    description: "Roles name each verb, resource and group that they grant.",
    severity: "high",
    remediationSteps: "Name what is needed, one by one",
    url: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege",
  },
  roleKinds,
  ({ object }) =>
    grantsOf(object).flatMap(({ label, verbs, groups, resources, urls }) =>
      Object.entries({ verbs, apiGroups: groups, resources, nonResourceURLs: urls })
        .filter(([, values]) => values.some((value) => value.includes("*")))
        .map(([field]) => `${label}.${field} has a wildcard`),
    ),
);
