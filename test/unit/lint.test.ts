// The lint rule that keeps folders apart: in whatever way a forbidden folder is named, it is found. And that the rules that need
// types, and the type check, are really carried out.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

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
    rules: { "boundaries/imports": ["error", { components: ["provisioner"] }] },
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
  'import { a } from "@sandlot/provisioner/src/core/errors.js";',
  'import { a } from "../../provisioner/src/core/errors.js";',
  'import meta from "../../package.json";',
  'import "../../../infra/elsewhere";',
  'export const a = "../../infra/program";',
];

describe("import boundaries", () => {
  for (const code of forbidden) {
    it(`refuse ${code}`, async () => {
      const found = await messages("components/part/index.ts", code);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", /^components must not import from (infra|test)/);
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

describe("the rules that need types", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-lint-"));
    writeFileSync(
      join(folder, "tsconfig.json"),
      '{ "compilerOptions": { "strict": true }, "include": ["."] }',
    );
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const cases: readonly [code: string, finds: RegExp | undefined][] = [
    ["export const text: string = 1;", /TS2322|not assignable/],
    ["export const late = async () => 1;\nlate();", /no-floating-promises/],
    ["export const shown = (a?: string) => `${a}`;", /restrict-template-expressions/],
    ["export const same = (a: string) => a ?? 1;", /no-unnecessary-condition/],
    ["export const text: string = String(1);", undefined],
  ];
  for (const [code, finds] of cases) {
    it(`${finds === undefined ? "let pass" : "refuse"} ${JSON.stringify(code)}`, () => {
      writeFileSync(join(folder, "a.ts"), code);
      const bin = (name: string): string => join(root, "node_modules/.bin", name);
      const args = ["--config", join(root, ".oxlintrc.json"), "."];
      const { status, stdout } = spawnSync(bin("oxlint"), args, {
        cwd: folder,
        env: { ...process.env, OXLINT_TSGOLINT_PATH: bin("tsgolint") },
        encoding: "utf8",
      });
      assert.equal(status, finds === undefined ? 0 : 1, stdout);
      if (finds !== undefined) assert.match(stdout, finds);
    });
  }
});
