// Links in documents lead somewhere: to a file of the repository, and to a heading that is there.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { anchors, documents, prose, read, root } from "./documents.js";

interface Link {
  /** The title, where there is one. */
  readonly text: string;
  readonly target: string;
}

/** The links of a document, also those whose target stands at its end: `[words][name]`, `[name]: target "title"`. */
function links(text: string): Link[] {
  const inPlace = [...prose(text).matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)];
  return [...inPlace, ...definitions(text)].map(([, words = "", target = "", title]) => ({
    text: title ?? words,
    target,
  }));
}

const definitions = (text: string) => [...text.matchAll(/^\[([^\]]+)\]: (\S+)(?: "([^"]*)")?$/gm)];

/** Whether a file has the test `title`; one that is made in a loop has `…` in the place of what differs. */
function hasTest(source: string, title: string): boolean {
  const literal = title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/…/g, "\\$\\{[^}]+\\}");
  return new RegExp(`it\\((["\`])${literal}\\1`).test(source);
}

describe("links of documents", () => {
  for (const document of documents) {
    it(`${document}: every relative link has a file, every anchor a heading`, () => {
      for (const { target } of links(read(document))) {
        if (/^https?:/.test(target)) continue;
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? document : relative(root, join(root, dirname(document), path));
        assert.ok(existsSync(join(root, file)), `${target}: there is no ${file}`);
        if (anchor === undefined) continue;
        assert.ok(anchors(read(file)).has(anchor), `${target}: ${file} has no heading #${anchor}`);
      }
    });

    it(`${document}: what is linked by a name is defined, and what is defined is linked`, () => {
      const text = read(document);
      const used = [...prose(text).matchAll(/\]\[([\w-]+)\]/g)].map(([, name]) => name);
      const defined = definitions(text).map(([, name]) => name);
      assert.deepEqual([...new Set(used)].sort(), defined.sort());
    });
  }

  for (const document of ["docs/security.md", "docs/production.md"]) {
    it(`${document} names tests by titles that they have, as what proves its claims`, () => {
      const rows = read(document)
        .split("\n")
        .filter((line) => /^\||^\[.*\]: /.test(line) && line.includes(".test.ts"));
      const named = rows.flatMap((row) => links(row)).filter(({ target }) => target.endsWith(".test.ts"));
      assert.ok(named.length > 15);
      for (const { text, target } of named) {
        assert.ok(hasTest(read(join("docs", target)), text), `${target} has no test "${text}"`);
      }
    });
  }

  it("docs/design.md draws the import boundaries that ESLint enforces", () => {
    const config = read("eslint.config.mjs");
    const allowed = [...config.matchAll(/^  "?([\w-]+)"?: \[([^\]]*)\],$/gm)];
    assert.ok(allowed.length > 8);
    for (const [, folder = "", list = ""] of allowed) {
      const row = new RegExp(`^\\| \`${folder}/\`.*\\|([^|]*)\\|$`, "m").exec(read("docs/design.md"));
      const drawn = [...(row?.[1] ?? "").matchAll(/`([\w-]+)`/g)].map(([, name = ""]) => name);
      const enforced = [...list.matchAll(/"([\w-]+)"/g)].map(([, name = ""]) => name);
      assert.deepEqual(drawn, enforced, folder);
    }
  });
});
