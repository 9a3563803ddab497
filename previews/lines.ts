// The comment's lines about one change, one field and one violation. Whatever comes from outside goes through `code`.
import { isDestructive, type Change, type FieldChange } from "./changes.js";
import { code, visible } from "./markdown.js";
import type { Violation } from "./policy-results.js";
import type { Redactor } from "./redactor.js";
import type { Counts } from "./report.js";
import { mask } from "./secrets.js";
import { shorten, shortValue, shortValues } from "./values.js";

// In characters: enough for the names that occur, and an end for those that somebody makes up.
const longestName = 120;
const longestMessage = 400;
const longestError = 1_500;

/** A name without secrets, as code; of a long one, both ends. */
function name(text: string, redactor: Redactor): string {
  const clean = visible(redactor.redact(text));
  const half = longestName / 2;
  return code(clean.length <= longestName ? clean : `${clean.slice(0, half)}…${clean.slice(1 - half)}`);
}

/** The line that says what happens to a resource. */
export function changeLine({ operation, type, name: logical, remarks }: Change, redactor: Redactor): string {
  const mark = isDestructive(operation) ? "⚠️ " : "";
  const known = remarks
    .map((remark) => ` (${code(shorten(visible(redactor.redact(remark)), 2 * longestName))})`)
    .join("");
  return `- ${mark}**${operation}** ${name(type, redactor)} ${name(logical, redactor)}${known}`;
}

/** The line about a field. */
export function fieldLine({ path, before, after, replaces }: FieldChange, redactor: Redactor): string {
  const forces = replaces ? " (forces the replacement)" : "";
  return `  - ${name(path, redactor)}: ${difference(before, after, redactor)}${forces}`;
}

function difference(before: unknown, after: unknown, redactor: Redactor): string {
  if (before === mask && after === mask) return "changed, not shown";
  if (before === undefined) return `added ${code(shortValue(after, redactor))}`;
  if (after === undefined) return `removed ${code(shortValue(before, redactor))}`;
  const [old, current] = shortValues(before, after, redactor);
  return old === current ? "changed, not shown" : `${code(old)} → ${code(current)}`;
}

/** The line about a violation. */
export function violationLine(
  { policy, mandatory, message, resource }: Violation,
  redactor: Redactor,
): string {
  const where = resource === "" ? "" : ` ${name(resource, redactor)}`;
  // Secrets are taken out before anything else is changed: else they are not recognised.
  const text = redactor.redact(message).trim().replace(/\s+/g, " ");
  const what = code(shorten(visible(text), longestMessage));
  return `- ${mandatory ? "❌ " : ""}${name(policy, redactor)}${where}: ${what}`;
}

/** An error of the engine without colours, stack traces and empty lines, cut. */
export function shortError(error: string, redactor: Redactor): string {
  const lines = redactor
    .redact(error)
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, "")
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "" && !/^\s+at /.test(line))
    .map((line) => visible(line.replace(/^error: /, "")));
  return shorten(lines.join("\n"), longestError);
}

const words: Record<string, string> = {
  same: "unchanged",
  option: "with changed options",
  other: "with other steps",
};

/** `1 to replace, 3 to update, 40 unchanged`. */
export function countsText(counts: Counts): string {
  const texts = [...counts].map(([operation, count]) => `${count} ${words[operation] ?? `to ${operation}`}`);
  return texts.join(", ");
}
