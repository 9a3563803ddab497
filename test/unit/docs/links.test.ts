// Links in documents lead somewhere: to a file of the repository, and to a heading that is there.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { anchors, documents, prose, read, root } from "./documents.js";

interface Link {
  readonly text: string;
  readonly target: string;
}

function links(text: string): Link[] {
  return [...prose(text).matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)].map(([, words = "", target = ""]) => ({
    text: words,
    target,
  }));
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
  }

  it("docs/security.md names tests by titles that they have", () => {
    const named = links(read("docs/security.md")).filter(({ target }) => target.endsWith(".test.ts"));
    assert.ok(named.length > 15);
    for (const { text, target } of named) {
      assert.ok(read(join("docs", target)).includes(`it("${text}"`), `${target} has no test "${text}"`);
    }
  });

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
