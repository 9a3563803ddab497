// The committed stacks' configuration, as the engine hands it to the program.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { parse } from "yaml";

/** Settings by key without `sandlot:`, such as `sandbox`. */
export type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The configuration of `stacks/Pulumi.<stack>.yaml` as it is written. */
export function committedConfiguration(stack: string): Record<string, unknown> {
  const file = resolve(__dirname, `../../stacks/Pulumi.${stack}.yaml`);
  return (parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> }).config;
}

/** The same with settings laid over it, as texts by full key: objects as JSON. */
export function stackConfiguration(stack: string, over: Settings = {}): Record<string, string> {
  const config = committedConfiguration(stack);
  for (const [key, values] of Object.entries(over))
    config[`sandlot:${key}`] = { ...(config[`sandlot:${key}`] as object | undefined), ...values };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}
