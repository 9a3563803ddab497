// docs/policies.md says what the rules are today.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { format, resolveConfig } from "prettier";

import { withReference } from "../../policies/lib/reference";
import { rules } from "../../policies/rules";

const file = resolve(__dirname, "../../docs/policies.md");

describe("docs/policies.md", () => {
  const text = readFileSync(file, "utf8");

  it("is current (npm run reference)", async () => {
    const options = await resolveConfig(file);
    const current = await format(withReference(text, rules), { ...options, parser: "markdown" });
    assert.equal(text, current);
  });

  it("names every rule once, and counts them", () => {
    for (const { name } of rules) assert.equal(text.split(`[${name}](`).length, 2, name);
    assert.ok(text.includes(`${rules.length} rules`), `it says that there are ${rules.length}`);
  });
});
