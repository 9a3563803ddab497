// Whoever may hand out roles, act as others or make tokens has every role there is.
import { grantsOf, roleKinds, type Grant } from "../lib/roles";
import { objectRule } from "../lib/rule";

const verbs = ["bind", "escalate", "impersonate"];

function problems({ label, verbs: granted, resources }: Grant): string[] {
  const named = granted
    .filter((verb) => verbs.includes(verb))
    .map((verb) => `${label} grants the verb ${verb}`);
  const tokens = granted.includes("create") && resources.includes("serviceaccounts/token");
  return tokens ? [...named, `${label} grants the making of tokens of service accounts`] : named;
}

export const noEscalationVerbs = objectRule(
  {
    name: "no-escalation-verbs",
    group: "Access",
    description:
      "No role lets its holder gain another's: not by bind, escalate, impersonate or tokens made for others.",
    severity: "critical",
    remediationSteps: "Remove it from the role",
    url: "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks",
  },
  roleKinds,
  ({ object }) => grantsOf(object).flatMap(problems),
);
