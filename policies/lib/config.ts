// What rules can be told by `--policy-pack-config`: exceptions, and settings of their own, each with a default.
import type { PolicyConfigSchema } from "@pulumi/policy";

type Property = PolicyConfigSchema["properties"][string];

/** The description of each setting of a rule, as JSON Schema. */
export type Settings<Config extends object> = {
  readonly [Key in keyof Config]: Property & { readonly description: string; readonly default: Config[Key] };
};

/** What every rule can be told. */
export interface RuleConfig {
  readonly exclude?: readonly string[];
}

const exclude: Property = {
  type: "array",
  items: { type: "string", format: "regex" },
  default: [],
  description: "Regular expressions: resources whose URN matches one are left alone.",
};

/** The schema of a rule's whole configuration. */
export function withExceptions<Config extends object>(settings?: Settings<Config>): PolicyConfigSchema {
  return { properties: { ...settings, exclude } };
}

/** What a rule was told, defaults filled in, and whether it is to leave a resource alone. */
export function settingsOf<Config extends object>(
  settings: Settings<Config> | undefined,
  given: RuleConfig,
): { config: Config; isExcluded: (urn: string) => boolean } {
  const defaults = Object.entries<{ default: unknown }>(settings ?? {}).map(([key, schema]) => [
    key,
    schema.default,
  ]);
  const patterns = (given.exclude ?? []).map((pattern) => new RegExp(pattern));
  return {
    config: { ...(Object.fromEntries(defaults) as Config), ...given },
    isExcluded: (urn) => patterns.some((pattern) => pattern.test(urn)),
  };
}
