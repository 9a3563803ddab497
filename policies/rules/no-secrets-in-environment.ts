// Environment variables of a pod are readable by whoever may read pods; in a sandbox, by the code in it as well.
import { podRule } from "../lib/rule";
import { listAt, textAt } from "../lib/values";
import { containersOf } from "../lib/workloads";

const secretName =
  /(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS?|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)(?:_|$)/i;

/** Beginnings of well-known credentials. */
const secretValue =
  /^(?:AKIA[0-9A-Z]{16}$|gh[pousr]_[A-Za-z0-9]{20}|github_pat_|glpat-|sk-[A-Za-z0-9_-]{20}|xox[abprs]-|AIza[0-9A-Za-z_-]{30}|eyJ[A-Za-z0-9_-]+\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY)/;

export const noSecretsInEnvironment = podRule(
  {
    name: "no-secrets-in-environment",
    group: "Isolation",
    description: "No environment variable holds a secret in clear.",
    severity: "high",
    remediationSteps: "Take it from a Secret by valueFrom.secretKeyRef, or hand it over after start",
    url: "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
  },
  (workload) =>
    containersOf(workload).flatMap(({ label, container }) =>
      listAt(container, "env").flatMap((variable) => {
        const name = textAt(variable, "name") ?? "";
        const value = textAt(variable, "value") ?? "";
        const found = value !== "" && (secretName.test(name) || secretValue.test(value));
        return found ? [`The ${label} has what looks like a secret in the variable ${name}`] : [];
      }),
    ),
);
