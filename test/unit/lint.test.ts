// The lint rule that keeps folders apart: in whatever way a forbidden folder is named, it is found.
import assert from "node:assert/strict";
import { resolve } from "node:path";

import { Linter } from "eslint";
import { parser } from "typescript-eslint";

const root = resolve(__dirname, "../..");
/** Not in quotes where it is imported: it has no types. */
const ruleFile: string = "../../eslint.boundaries.mjs";

/** What the rule says of `code` in a file of the repository, which need not be there. */
async function messages(file: string, code: string): Promise<string[]> {
  const { default: plugin } = (await import(ruleFile)) as {
    default: { rules: Record<string, never> };
  };
  const config: Linter.Config = {
    files: ["**/*.ts"],
    languageOptions: { parser },
    plugins: { boundaries: plugin },
    rules: { "boundaries/imports": ["error", [{ target: "./components", from: ["./infra", "./test"] }]] },
  };
  const linter = new Linter({ cwd: root });
  return linter.verify(code, [config], { filename: resolve(root, file) }).map(({ message }) => message);
}

const forbidden = [
  'import "../../infra/program";',
  'import type { A } from "../../infra/program.js";',
  'export { a } from "../../infra";',
  'export * from "../../test/support/graph";',
  'import { a } from "@sandlot/infra";',
  'import { a } from "@sandlot/infra/config/load.js";',
  'const a = await import("../../infra/program");',
  'const a = require("../../infra/program");',
  'import a = require("../../infra/program");',
  'type A = import("../../infra/program").A;',
  'import "../shared/../../infra/program";',
];
const allowed = [
  'import "../shared/labels";',
  'import { a } from "./infra/own";',
  'import { a } from "infra";',
  'import { a } from "@pulumi/pulumi";',
  'import { a } from "@sandlot/components";',
  'import "../../../infra/elsewhere";',
  'export const a = "../../infra/program";',
];

describe("import boundaries", () => {
  for (const code of forbidden) {
    it(`refuse ${code}`, async () => {
      const found = await messages("components/part/index.ts", code);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", /^\.\/components must not import from \.\/(infra|test)/);
    });
  }

  for (const code of allowed) {
    it(`let ${code} pass`, async () => {
      assert.deepEqual(await messages("components/part/index.ts", code), []);
    });
  }

  it("hold for no other folder", async () => {
    assert.deepEqual(await messages("commands/up.ts", 'import "../infra/program";'), []);
  });
});
