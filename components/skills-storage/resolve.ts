// The skills volume's settings: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks } from "../shared/checks";
import { absolutePath, dnsLabel, dnsSubdomain, oneOf, quantity } from "../shared/rules";
import { SkillsSource, type SkillsStorageArgs } from "./args";

/** {@link SkillsStorageArgs} with every default filled in. */
export interface SkillsStorageSettings {
  namespace: pulumi.Input<string>;
  source: SkillsSource;
  hostPath?: pulumi.Input<string> | undefined;
  existingClaim?: pulumi.Input<string> | undefined;
  size: string;
  retain: boolean;
}

/** Fills in the defaults. */
export function withDefaults(args: SkillsStorageArgs): SkillsStorageSettings {
  return {
    ...args,
    source: args.source ?? SkillsSource.HostPath,
    size: args.size ?? "1Gi",
    retain: args.retain ?? false,
  };
}

/** Which field each source needs; the others' must be absent. */
const needed: Readonly<Record<SkillsSource, "hostPath" | "existingClaim">> = {
  [SkillsSource.HostPath]: "hostPath",
  [SkillsSource.ExistingClaim]: "existingClaim",
};

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: SkillsStorageArgs): SkillsStorageSettings {
  const settings = withDefaults(args);
  const checks = new Checks("SkillsStorage", name);
  checks.plain("source", settings.source, oneOf(SkillsSource));
  checks.plain("size", settings.size, quantity);
  for (const [source, field] of Object.entries(needed) as [SkillsSource, "hostPath" | "existingClaim"][]) {
    const given = settings[field] !== undefined;
    if (source === settings.source && !given)
      checks.problem(`${field} is missing, but source ${source} needs it; give it`);
    if (source !== settings.source && given) {
      checks.problem(
        `${field} is given, but source is ${settings.source}; remove it or set source to ${source}`,
      );
    }
  }
  const resolved = {
    ...settings,
    namespace: checks.input("namespace", settings.namespace, dnsLabel),
    hostPath: checks.optional("hostPath", settings.hostPath, absolutePath),
    existingClaim: checks.optional("existingClaim", settings.existingClaim, dnsSubdomain),
  };
  checks.finish();
  return resolved;
}
