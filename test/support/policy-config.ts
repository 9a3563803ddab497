// Reads a file of policies/config as the engine does.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import type { Policies } from "@pulumi/policy";

type Given = string | ({ enforcementLevel?: string } & Record<string, unknown>);

/** An environment's configuration of the policy pack. */
export interface PolicyConfig {
  /** Whether a violation of the rule stops an update. */
  level(rule: Policies[number]): string;
  /** What the rule is told. */
  settings(rule: string): object;
}

/** The file of an environment. */
export function policyConfigFile(environment: string): string {
  return resolve(process.cwd(), "policies/config", `${environment}.json`);
}

/** The configuration of an environment. */
export function readPolicyConfig(environment: string): PolicyConfig {
  const config = JSON.parse(readFileSync(policyConfigFile(environment), "utf8")) as Record<string, Given>;
  const parts = (name: string): Record<string, unknown> => {
    const given = config[name] ?? {};
    return typeof given === "string" ? { enforcementLevel: given } : given;
  };
  return {
    level: ({ name, enforcementLevel = "" }) => {
      const given = parts(name)["enforcementLevel"];
      return typeof given === "string" ? given : enforcementLevel;
    },
    settings: (name) =>
      Object.fromEntries(Object.entries(parts(name)).filter(([key]) => key !== "enforcementLevel")),
  };
}
