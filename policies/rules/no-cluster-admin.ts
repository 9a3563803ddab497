// Nobody whom this stack makes is master of the cluster.
import { bindingKinds } from "../lib/roles";
import { objectRule } from "../lib/rule";
import { at, listAt, textAt } from "../lib/values";

export const noClusterAdmin = objectRule(
  {
    name: "no-cluster-admin",
    group: "Access",
    description: "Nobody is bound to cluster-admin, and nothing to the group system:masters.",
    severity: "critical",
    remediationSteps: "Bind a role that grants only what is needed",
    url: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege",
  },
  bindingKinds,
  ({ object }) => {
    const masters = listAt(object, "subjects").some(
      (subject) => at(subject, "kind") === "Group" && at(subject, "name") === "system:masters",
    );
    return [
      ...(textAt(object, "roleRef", "name") === "cluster-admin" ? ["The role is cluster-admin"] : []),
      ...(masters ? ["A subject is the group system:masters, which no rule holds back"] : []),
    ];
  },
);
