// The one place that reads stack configuration: everything under `sandlot:`, checked as a whole.
import type { SandlotConfig } from "./schema";

import { describeIssues } from "./errors";
import { configSchema } from "./schema";

const prefix = "sandlot:";

/** What is wrong with a stack's configuration, one sentence a line, and how to set it right. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly problems: readonly string[]) {
    super(
      [
        problems.length === 1
          ? "The stack's configuration has a mistake:"
          : "The stack's configuration has mistakes:",
        ...problems.map((problem) => `  - ${problem}`),
        "Nothing was changed. Correct the stack's file in stacks/, or run `pulumi config set --path KEY VALUE`.",
      ].join("\n"),
    );
  }
}

/**
 * Checks configuration as the engine hands it over: texts by full key, objects as JSON.
 * @throws ConfigError that names every mistake.
 */
export function parseConfig(entries: Readonly<Record<string, string>>): SandlotConfig {
  const input = Object.fromEntries(
    Object.entries(entries)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), decode(value)]),
  );
  const result = configSchema.safeParse(input);
  if (!result.success) throw new ConfigError(describeIssues(result.error, input));
  return result.data;
}

/** Objects, lists, numbers and booleans come as JSON; anything else is a text. */
function decode(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
