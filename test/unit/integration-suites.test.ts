// `make test` runs the integration tests by two lists of files; one that is in neither would never run.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

const root = resolve(__dirname, "../..");

const listed = (file: string): string[] =>
  (JSON.parse(readFileSync(join(root, file), "utf8")) as { spec: string[] }).spec;

describe("integration tests", () => {
  it("are each in one of the two lists that make test runs", () => {
    const folder = join(root, "test/integration");
    const files = readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter(({ name }) => name.endsWith(".test.ts"))
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)));
    assert.ok(files.length > 30);
    assert.deepEqual(
      [...listed(".mocharc.stack.json"), ...listed(".mocharc.apart.json")].sort(),
      files.sort(),
    );
  });
});
