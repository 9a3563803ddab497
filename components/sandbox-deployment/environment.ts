// Environment variables of a sandbox: what they can be, what is refused, and the object.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { isDeferred, type Checks, type Rule } from "../shared/checks";
import { dnsSubdomain, environmentName } from "../shared/rules";
import { drainVariable } from "./rollout";

/** One key of a Secret or ConfigMap of the namespace. */
export interface KeyReference {
  /** The name of the Secret or ConfigMap. */
  name: pulumi.Input<string>;
  /** The key in it. */
  key: string;
  /**
   * Whether a sandbox starts without the variable when the key is not there. It does not start otherwise.
   * @default false
   */
  optional?: boolean;
}

/** An environment variable of the sandbox. Give exactly one of `value`, `secret` and `configMap`. */
export interface SandboxVariable {
  /** Letters, digits and `_`, not starting with a digit. `HOME` and names that begin with `SANDLOT_` or `KUBERNETES_` are taken. */
  name: string;
  /**
   * The value. Whoever may read pods can read it: what looks like a secret is refused.
   * @default - none
   */
  value?: pulumi.Input<string>;
  /**
   * Where in a Secret the value is. All code in the sandbox can read it.
   * @default - none
   */
  secret?: KeyReference;
  /**
   * Where in a ConfigMap the value is.
   * @default - none
   */
  configMap?: KeyReference;
}

/** Variables that the component or Kubernetes sets itself. */
const reservedNames: Rule<string> = (value) => {
  if (value === drainVariable) return "left out: shutdown.drainSeconds sets it";
  return value === "HOME" || value.startsWith("SANDLOT_") || value.startsWith("KUBERNETES_")
    ? "a name that is not reserved: HOME and names that start with SANDLOT_ or KUBERNETES_ are"
    : undefined;
};

const secretName =
  /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)(?:_|$)/i;

/** Beginnings of well-known credentials. The policy no-secrets-in-environment knows the same. */
const secretValue =
  /^(?:AKIA[0-9A-Z]{16}$|gh[pousr]_[A-Za-z0-9]{20}|github_pat_|glpat-|sk-[A-Za-z0-9_-]{20}|xox[abprs]-|AIza[0-9A-Za-z_-]{30}|eyJ[A-Za-z0-9_-]+\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY)/;

const objectKey: Rule<string> = (value) =>
  /^[-._A-Za-z0-9]{1,253}$/.test(value) ? undefined : "a key of at most 253 letters, digits, -, _ and .";

/** Holds variables against their rules; those that are known later are checked when they are. */
export function checkEnvironment(checks: Checks, env: readonly SandboxVariable[]): SandboxVariable[] {
  const seen = new Set<string>();
  return env.map((variable, i) => {
    const at = `env[${i}]`;
    const { name } = variable;
    checks.plain(`${at}.name`, name, (text) => environmentName(text) ?? reservedNames(text));
    if (seen.has(name))
      checks.problem(`${at}.name is "${name}", which an earlier entry sets already; remove one of the two`);
    seen.add(name);
    return checkSource(checks, at, variable);
  });
}

function checkSource(checks: Checks, at: string, variable: SandboxVariable): SandboxVariable {
  const { name, value, secret, configMap } = variable;
  const given = [value, secret, configMap].filter((source) => source !== undefined);
  if (given.length !== 1) {
    checks.problem(
      `${at} has ${given.length === 0 ? "none" : "several"} of value, secret and configMap; give exactly one`,
    );
  }
  if (value !== undefined) checkValue(checks, at, name, value);
  return {
    name,
    ...(value === undefined ? {} : { value }),
    ...(secret === undefined ? {} : { secret: checkReference(checks, `${at}.secret`, secret) }),
    ...(configMap === undefined ? {} : { configMap: checkReference(checks, `${at}.configMap`, configMap) }),
  };
}

function checkReference(checks: Checks, at: string, reference: KeyReference): KeyReference {
  checks.plain(`${at}.key`, reference.key, objectKey);
  return { ...reference, name: checks.input(`${at}.name`, reference.name, dnsSubdomain) };
}

/** Values are not shown in messages: who mistakes this for a place for secrets shall not find them in logs. */
function checkValue(checks: Checks, at: string, name: string, value: pulumi.Input<string>): void {
  if (isDeferred(value) || typeof value !== "string") return;
  if (value.includes("\0"))
    checks.problem(`${at}.value contains a NUL character, which no environment can hold; remove it`);
  if (value !== "" && (secretName.test(name) || secretValue.test(value))) {
    checks.problem(
      `${at}.value looks like a secret (variable ${name}), which whoever may read pods could read; ` +
        "put it into a Secret and name that as secret: { name, key }",
    );
  }
}

/** A variable as Kubernetes takes it. */
export function variableObject(variable: SandboxVariable): k8s.types.input.core.v1.EnvVar {
  const { name, value, secret, configMap } = variable;
  if (secret !== undefined) return { name, valueFrom: { secretKeyRef: referenceObject(secret) } };
  if (configMap !== undefined) return { name, valueFrom: { configMapKeyRef: referenceObject(configMap) } };
  return { name, value: value ?? "" };
}

function referenceObject({ name, key, optional }: KeyReference) {
  return { name, key, ...(optional === undefined ? {} : { optional }) };
}
