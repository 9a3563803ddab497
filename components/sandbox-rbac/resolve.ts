// The accounts' settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks, type Rule } from "../shared/checks";
import { dnsSubdomain, dnsLabel, matching } from "../shared/rules";
import type { AccessRule, NamespaceAccount, SandboxRbacArgs } from "./args";

/** {@link SandboxRbacArgs} with every default filled in. */
export interface SandboxRbacSettings {
  namespace: pulumi.Input<string>;
  serviceAccountName: string;
  accounts: { name: string; rules: Required<AccessRule>[] }[];
}

/** Fills in the defaults. */
export function withDefaults(args: SandboxRbacArgs): SandboxRbacSettings {
  const accounts = (args.accounts ?? []).map(({ name, rules }) => ({
    name,
    rules: rules.map((rule) => ({
      apiGroups: rule.apiGroups ?? [""],
      resources: rule.resources,
      resourceNames: rule.resourceNames ?? [],
      verbs: rule.verbs,
    })),
  }));
  return { namespace: args.namespace, serviceAccountName: args.serviceAccountName ?? "sandbox", accounts };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SandboxRbacArgs): SandboxRbacSettings {
  const settings = withDefaults(args);
  const { serviceAccountName, accounts } = settings;
  const checks = new Checks("SandboxRbac", name);
  const namespace = checks.input("namespace", settings.namespace, dnsLabel);
  checks.plain("serviceAccountName", serviceAccountName, ownAccount);
  for (const [i, account] of accounts.entries()) {
    checkAccount(checks, `accounts[${i}]`, account);
    if (account.name === serviceAccountName)
      checks.problem(
        `accounts[${i}].name is "${account.name}", which is the sandboxes' own account, that has no rights; choose another name`,
      );
    if (accounts.findIndex((other) => other.name === account.name) < i)
      checks.problem(
        `accounts[${i}].name is "${account.name}", which an earlier account has already; put its rules there`,
      );
  }
  checks.finish();
  return { ...settings, namespace };
}

const ownAccount: Rule<string> = (value) =>
  value === "default"
    ? "an account of its own: roles given to default would be given to sandboxes"
    : dnsSubdomain(value);

const readVerbs = ["get", "list", "watch"];
const verbs = [...readVerbs, "create", "update", "patch", "delete", "deletecollection"];

/** Whoever has these has the rights of others. */
const neverGranted = ["secrets", "serviceaccounts/token"];

/** Whoever can change these can take the walls away. */
const readableOnly = [
  "networkpolicies",
  "resourcequotas",
  "limitranges",
  "serviceaccounts",
  "roles",
  "rolebindings",
];

const resourceName = matching(
  /^[a-z][a-z0-9.-]*(?:\/[a-z]+)?$/,
  "a resource in the plural such as pods or pods/log; * is refused, because it grants what nobody thought of",
);

const apiGroup: Rule<string> = (value) =>
  value === "" || dnsSubdomain(value) === undefined
    ? undefined
    : 'an API group such as "" or apps; * is refused';

const verb: Rule<string> = (value) => (verbs.includes(value) ? undefined : `one of ${verbs.join(", ")}`);

const granted: Rule<string> = (value) =>
  neverGranted.includes(value)
    ? "something that does not hand out the rights of others"
    : resourceName(value);

function checkAccount(checks: Checks, field: string, { name, rules }: NamespaceAccount): void {
  checks.plain(`${field}.name`, name, ownAccount);
  if (rules.length === 0) checks.problem(`${field}.rules is empty; give a rule, or leave the account out`);
  for (const [i, rule] of rules.entries()) checkRule(checks, `${field}.rules[${i}]`, rule);
}

function checkRule(checks: Checks, field: string, rule: AccessRule): void {
  const lists = [
    ["apiGroups", rule.apiGroups ?? [""], apiGroup],
    ["resources", rule.resources, granted],
    ["resourceNames", rule.resourceNames ?? [], dnsSubdomain],
    ["verbs", rule.verbs, verb],
  ] as const;
  for (const [list, values, each] of lists) {
    if (values.length === 0 && list !== "resourceNames")
      checks.problem(`${field}.${list} is empty, so that the rule grants nothing; name at least one`);
    for (const [i, value] of values.entries()) checks.plain(`${field}.${list}[${i}]`, value, each);
  }
  const wall = rule.resources.find((resource) => readableOnly.includes(resource));
  const change = rule.verbs.find((each) => verbs.includes(each) && !readVerbs.includes(each));
  if (wall !== undefined && change !== undefined) {
    checks.problem(
      `${field} grants ${change} on ${wall}, which are the sandboxes' walls; give ${readVerbs.join(", ")} at most`,
    );
  }
}
