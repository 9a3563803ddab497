// Puts text that anybody may have written into Markdown, so that it is shown and does nothing: no HTML, no link, no
// mention, no end of what surrounds it. GitHub leaves code alone, so that is where such text goes.

/**
 * Text on one line: control characters, line breaks, bidirectional overrides (which make a text read as another) and
 * halves of characters become visible escapes.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** A run of backticks longer than any in `text`. */
function fence(text: string, least: number): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  return "`".repeat(Math.max(least, longest + 1));
}

/** A text as inline code. */
export function code(text: string): string {
  const line = visible(text);
  if (line.trim() === "") return `\`"${line}"\``;
  const pad = /^[` ]|[` ]$/.test(line) ? " " : "";
  const ticks = fence(line, 1);
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

/** A text of several lines as a block of code. */
export function codeBlock(text: string): string {
  const lines = text.split("\n").map(visible);
  const ticks = fence(text, 3);
  return [`${ticks}text`, ...lines, ticks].join("\n");
}

/** A name within HTML: letters, digits and a few signs; each other character becomes a question mark. */
export function plain(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, "?").slice(0, 100);
}
