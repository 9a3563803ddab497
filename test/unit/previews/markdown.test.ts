// Whatever stands in a preview, the comment's Markdown stays as it was meant: code is code, and every block is closed.
import assert from "node:assert/strict";

import fc from "fast-check";

import { code, codeBlock, plain, visible } from "../../../previews/markdown.js";
import { changed, commentOn, deploymentType, run, urn, violation } from "./preview-fixture.js";

/** Inline code as CommonMark reads it: the first run of backticks, to the next run that is as long. */
function readCode(markdown: string): { text: string; rest: string } {
  const [, ticks = "", rest = ""] = /^(`+)([^]*)$/.exec(markdown) ?? [];
  for (const end of rest.matchAll(/`+/g)) {
    if (end[0] !== ticks) continue;
    const inner = rest.slice(0, end.index);
    const text = /^ .* $/.test(inner) && inner.trim() !== "" ? inner.slice(1, -1) : inner;
    return { text, rest: rest.slice(end.index + ticks.length) };
  }
  throw new Error(`never closed: ${markdown}`);
}

/** A comment without its code: what GitHub would read as Markdown and HTML. */
function withoutCode(markdown: string): string {
  const withoutBlocks = markdown.replace(/^(`{3,})text\n[^]*?\n\1$/gm, "");
  let result = "";
  let rest = withoutBlocks;
  for (let at = rest.indexOf("`"); at !== -1; at = rest.indexOf("`")) {
    result += `${rest.slice(0, at)}CODE`;
    rest = readCode(rest.slice(at)).rest;
  }
  return result + rest;
}

const hostile = [
  "`",
  "``",
  "` `",
  "a`b``c",
  " ",
  "",
  "\n",
  "a\nb",
  "</details>",
  "<script>alert(1)</script>",
  "<!-- ",
  "-->",
  "@everyone",
  "@org/team",
  "[x](https://evil.example)",
  "![x](https://evil.example/x.png)",
  "https://evil.example",
  "#1",
  "|",
  "a|b",
  "\\",
  "\\`",
  "**b**",
  "$`x`$",
  "\u202Eevil",
  "\u0000",
  "\uD800",
  "```\n",
  "~~~",
  "- x",
  "# x",
  "&lt;",
  "\r\n",
  "\u2028",
  ":tada:",
];

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(fc.constantFrom(...hostile), { maxLength: 12 }).map((parts) => parts.join("")),
);

describe("Markdown", () => {
  it("reads inline code back as the visible text, on one line", () => {
    const property = fc.property(anyText, (text) => {
      const shown = code(text);
      assert.doesNotMatch(shown, /[\r\n\u2028\u2029\u0000\u202E]/);
      const { text: read, rest } = readCode(shown);
      assert.equal(rest, "");
      assert.equal(read, visible(text).trim() === "" ? `"${visible(text)}"` : visible(text));
    });
    fc.assert(property, { numRuns: 1_000, examples: hostile.map((text): [string] => [text]) });
  });

  it("closes a block of code with the only line that can close it", () => {
    const property = fc.property(anyText, (text) => {
      const lines = codeBlock(text).split("\n");
      const fence = /^(`{3,})text$/.exec(lines[0] ?? "")?.[1] ?? "none";
      const closing = lines.flatMap((line, index) =>
        index > 0 && /^ {0,3}`{3,}\s*$/.test(line) && line.trim().length >= fence.length ? [index] : [],
      );
      assert.deepEqual(closing, [lines.length - 1]);
    });
    fc.assert(property, { numRuns: 1_000, examples: hostile.map((text): [string] => [text]) });
  });

  it("leaves of a name in HTML what cannot be HTML", () => {
    assert.equal(plain('a<b>"&@x-1._'), "a?b????x-1._");
  });

  it("stays balanced and free of anything foreign, whatever stands in names, paths, values, policies and errors", () => {
    const property = fc.property(anyText, anyText, anyText, (one, two, three) => {
      const steps = [
        changed(
          "replace",
          deploymentType,
          one,
          { a: two },
          { a: three, [one]: { [two]: [three] } },
          { a: "update-replace", [two]: "add" },
        ),
        changed("update", `kubernetes:${two}:${three}`, two, { [three]: one }, { [three]: two }, null),
      ];
      const diagnostics = [{ severity: "error", message: `${one}\n${two}` }];
      const events = violation(two, three, "mandatory", urn(deploymentType, one));
      const text = withoutCode(commentOn(run(steps, { stack: "dev", diagnostics, events, exitCode: 1 })));
      assert.equal(text.match(/<details>/g)?.length, 1);
      assert.equal(text.match(/<\/details>/g)?.length, 1);
      assert.deepEqual(
        new Set(text.match(/<[^>]*>/g)),
        new Set([
          "<!-- sandlot-preview: sandlot -->",
          "<details>",
          "<summary>",
          "<b>",
          "</b>",
          "</summary>",
          "</details>",
        ]),
      );
      assert.doesNotMatch(text, /[@\]\\]|https?:|!\[/);
    });
    fc.assert(property, {
      numRuns: 300,
      examples: hostile.map((text): [string, string, string] => [text, text, text]),
    });
  });
});
