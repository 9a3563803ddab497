// Into pods, and at secrets, nobody gets by a role of this stack: sandboxes least of all.
import { grantsOf, roleKinds, type Grant } from "../lib/roles";
import { objectRule } from "../lib/rule";

const waysIn = [
  "pods/attach",
  "pods/ephemeralcontainers",
  "pods/exec",
  "pods/portforward",
  "pods/proxy",
  "services/proxy",
  "nodes/proxy",
];
const readVerbs = ["get", "list", "watch"];

function problems({ label, groups, resources, verbs, isNamed }: Grant): string[] {
  if (!groups.includes("")) return [];
  const entered = resources.filter((resource) => waysIn.includes(resource));
  const reads = !isNamed && resources.includes("secrets") && verbs.some((verb) => readVerbs.includes(verb));
  return [
    ...entered.map((resource) => `${label} grants ${resource}`),
    ...(reads ? [`${label} reads secrets, whatever their name`] : []),
  ];
}

export const noExecOrSecrets = objectRule(
  {
    name: "no-exec-or-secrets",
    group: "Access",
    description: "No role lets its holder into pods or nodes, or reads Secrets that it does not name.",
    severity: "high",
    remediationSteps: "Remove it, or name the Secrets in resourceNames",
    url: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks",
  },
  roleKinds,
  ({ object }) => grantsOf(object).flatMap(problems),
);
