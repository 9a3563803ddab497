// Takes known secrets, and what looks like one, out of any text that is to be shown: messages of the engine, of providers and
// of policies, names, and values of properties that repeat a secret from elsewhere.
import { isSensitiveName, mask, unknownValue } from "./secrets.js";

/** Shorter texts are words and numbers, which stand everywhere. */
const shortest = 6;

/** What credentials look like, whoever wrote them. */
const credentials: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}(\.[\w-]*)?/g,
  /\b(gh[pousr]_|github_pat_|glpat-|npm_|sk-|xox[a-z]-|AIza)[\w-]{16,}/g,
  /\b(AKIA|ASIA)[0-9A-Z]{16}\b/g,
  /(?<=\b(bearer|basic) +)[\w+/.~=-]{8,}/gi,
  /(?<=:\/\/[^\s/:@]{0,200}:)[^\s/@]+(?=@)/g,
];

/** `password=…`, `"token": "…"`, `--api-key …`: a name, what separates it from its value, and the value. */
const assignment = /([\w.-]{2,100})(["']?\s*[=:]\s*["']?|\s+(?=\S))([^\s"',;]+)/y;

/** Collects secrets, then takes them out of texts. */
export class Redactor {
  /** The secrets by their first characters, so that a text is gone through once however many there are. */
  private readonly byStart = new Map<string, Set<string>>();

  /** Remembers a secret in the forms in which it may turn up: as it is, in base64 and back, in JSON, line by line. */
  add(secret: string): void {
    if (secret === mask || secret === unknownValue) return;
    const decoded = /^[A-Za-z0-9+/\s]{8,}={0,2}\s*$/.test(secret)
      ? Buffer.from(secret, "base64").toString("utf8")
      : "";
    for (const text of [secret, decoded.includes("\uFFFD") ? "" : decoded]) {
      const lines = text.split(/\r?\n/);
      const forms = [
        text,
        text.trim(),
        JSON.stringify(text).slice(1, -1),
        ...(lines.length > 1 ? lines : []),
      ];
      for (const form of [...forms, Buffer.from(text).toString("base64")]) this.remember(form);
    }
  }

  private remember(form: string): void {
    if (form.length < shortest) return;
    const start = form.slice(0, shortest);
    const known = this.byStart.get(start);
    if (known === undefined) this.byStart.set(start, new Set([form]));
    else known.add(form);
  }

  /** The text without secrets. */
  redact(text: string): string {
    const known = this.withoutKnown(text);
    return withoutAssignments(credentials.reduce((result, pattern) => result.replace(pattern, mask), known));
  }

  private withoutKnown(text: string): string {
    if (this.byStart.size === 0) return text;
    let result = "";
    let shown = 0; // up to here, the text is in the result
    let hidden = 0; // up to here, it is part of a secret
    for (let at = 0; at + shortest <= text.length; at++) {
      const length = this.longestAt(text, at);
      if (length === 0 || at + length <= hidden) continue;
      // Secrets may overlap, and then neither's rest may stay.
      if (at > hidden || hidden === 0) result += text.slice(shown, at) + mask;
      hidden = at + length;
      shown = hidden;
    }
    return result + text.slice(shown);
  }

  private longestAt(text: string, at: number): number {
    let longest = 0;
    for (const secret of this.byStart.get(text.slice(at, at + shortest)) ?? [])
      if (secret.length > longest && text.startsWith(secret, at)) longest = secret.length;
    return longest;
  }
}

/** Masks what is assigned to sensitive names. */
function withoutAssignments(text: string): string {
  let result = "";
  let shown = 0;
  for (const { index } of text.matchAll(/(?<![\w.-])[\w.-]/g)) {
    if (index < shown) continue;
    assignment.lastIndex = index;
    const [whole, name = "", between = "", value = ""] = assignment.exec(text) ?? [];
    if (whole === undefined || !isSensitiveName(name) || isProse(name, between, value)) continue;
    result += text.slice(shown, index) + name + between + mask;
    shown = index + whole.length;
  }
  return result + text.slice(shown);
}

/** Whether a sensitive name is talked about rather than given a value: "a token: never", "token is", "…Token: false". */
function isProse(name: string, between: string, value: string): boolean {
  if (/^(true|false|null|\d{1,5})\W*$/.test(value)) return true;
  if (between.trim() === "") return !name.startsWith("--");
  return /^:\s+$/.test(between) && /^[a-z]+\W*$/.test(value) && !/pass|pwd/i.test(name);
}
