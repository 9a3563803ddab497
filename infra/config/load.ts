// The one place that reads stack configuration: everything under `sandlot:`, checked as a whole.
import type { SandlotConfig } from "./schema";

import { describeIssues } from "./errors";
import { configSchema } from "./schema";
import { misplacedSecrets } from "./secrets";

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
        "Nothing was changed. Correct the stack's file in stacks/, or what was laid over it (CONFIG, make variables).",
      ].join("\n"),
    );
  }
}

/**
 * Checks configuration as the engine hands it over: texts by full key, objects as JSON, secrets in clear.
 * @param isSecret whether what is under a full key is a secret, or holds one
 * @throws ConfigError that names every mistake, and repeats no secret.
 */
export function parseConfig(
  entries: Readonly<Record<string, string>>,
  isSecret: (key: string) => boolean = () => false,
): SandlotConfig {
  const own = Object.entries(entries).filter(([key]) => key.startsWith(prefix));
  const input = Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), decode(value)]));
  const secrets = new Set(own.flatMap(([key]) => (isSecret(key) ? [key.slice(prefix.length)] : [])));
  const result = configSchema.safeParse(input);
  if (!result.success) throw new ConfigError(describeIssues(result.error, input, secrets));
  const misplaced = misplacedSecrets(configSchema, input, secrets);
  if (misplaced.length > 0) throw new ConfigError(misplaced);
  return result.data;
}

/** Objects, lists, numbers and booleans come as JSON; anything else is a text. */
function decode(value: string): unknown {
  try {
    return JSON.parse(value, (_key, each: unknown) => withDay(each));
  } catch {
    return withDay(value);
  }
}

/** A day without quotes is a time to the engine, which hands it over as Go prints times; here it is the day again. */
function withDay(value: unknown): unknown {
  return typeof value === "string" ? value.replace(/^(\d{4}-\d{2}-\d{2}) 00:00:00 \+0000 UTC$/, "$1") : value;
}
