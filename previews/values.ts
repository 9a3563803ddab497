// Values of properties, short enough for a line.
import { visible } from "./markdown.js";
import type { Redactor } from "./redactor.js";
import { unknownValue } from "./secrets.js";

/** How much of a value is shown, in characters. */
const shownLength = 80;

/** Longer texts (scripts, certificates) are told by their length: looking into them helps no reviewer. */
const longestText = 4_000;

/** What stands before the first difference of two long texts, if they do not differ sooner, in characters. */
const contextLength = 24;

/** A text cut to `length` characters at most, with a sign that it is cut. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function textOf(value: string, redactor: Redactor): string {
  if (value === unknownValue) return "(known after the update)";
  return value.length > longestText ? `(text of ${value.length} characters)` : redactor.redact(value);
}

/** JSON in one line; what does not fit is not even looked at. */
function json(value: unknown, redactor: Redactor, room: number): string {
  if (typeof value === "string") return JSON.stringify(textOf(value, redactor));
  if (typeof value !== "object" || value === null) return String(value);
  const isArray = Array.isArray(value);
  let text = isArray ? "[" : "{";
  for (const [index, [key, each]] of Object.entries(value).entries()) {
    if (text.length > room) break;
    const name = isArray ? "" : `${redactor.redact(shorten(key, longestText))}: `;
    text += `${index === 0 ? "" : ", "}${name}${json(each, redactor, room - text.length)}`;
  }
  return text + (isArray ? "]" : "}");
}

/** The whole of a value in one line, but for what is too long to be shown anyway. */
function line(value: unknown, redactor: Redactor): string {
  return visible(typeof value === "string" ? textOf(value, redactor) : json(value, redactor, longestText));
}

/** A value, short. */
export function shortValue(value: unknown, redactor: Redactor): string {
  return shorten(line(value, redactor), shownLength);
}

/** Two values, short; where they differ only beyond what is shown, what is around the first difference. */
export function shortValues(before: unknown, after: unknown, redactor: Redactor): [string, string] {
  const [old, current] = [line(before, redactor), line(after, redactor)];
  let start = 0;
  while (start < old.length && old[start] === current[start]) start++;
  const from = start + contextLength > shownLength ? start - contextLength : 0;
  const excerpt = (text: string): string =>
    shorten(from === 0 || text.length <= from ? text : `…${text.slice(from)}`, shownLength);
  return [excerpt(old), excerpt(current)];
}
