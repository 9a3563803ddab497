// The files that `--policy-pack-config` reads: each names rules and settings that there are, and says what they may be told.
// The engine says nothing of what it does not know in them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { rules } from "../../policies/rules";
import { violations } from "../support/policy";
import { goodStack } from "../support/policy-objects";
import { readPolicyConfig } from "../support/policy-config";

const folder = join(__dirname, "../../policies/config");
const levels = ["advisory", "mandatory", "disabled"];

describe("the policy pack's configuration", () => {
  it("is there for each kind of environment", () => {
    const files = ["development.json", "production.json", "render.json", "staging.json"];
    assert.deepEqual(readdirSync(folder).sort(), files);
  });

  for (const file of readdirSync(folder)) {
    const environment = file.replace(".json", "");

    it(`${file} names rules, levels and settings that there are, in order`, () => {
      const config = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
      assert.deepEqual(Object.keys(config), Object.keys(config).sort());
      for (const [name, given] of Object.entries(config)) {
        const rule = rules.find((each) => each.name === name);
        assert.ok(rule, `${name} is a rule`);
        const { enforcementLevel, ...settings } =
          typeof given === "string" ? { enforcementLevel: given } : (given as Record<string, unknown>);
        if (enforcementLevel !== undefined)
          assert.ok(
            levels.some((level) => level === enforcementLevel),
            name,
          );
        for (const [key, value] of Object.entries(settings)) {
          const type: unknown = rule.configSchema?.properties[key]?.type;
          assert.ok(type !== undefined, `${name} can be told ${key}`);
          const expected = type === "integer" ? "number" : type;
          assert.equal(Array.isArray(value) ? "array" : typeof value, expected);
        }
      }
    });

    it(`${file} lets the good stack through`, async () => {
      const config = readPolicyConfig(environment);
      for (const rule of rules) {
        assert.deepEqual(
          await violations(rule, Object.values(goodStack("good")), config.settings(rule.name)),
          [],
        );
      }
    });
  }

  it("production leaves no rule advisory or off", () => {
    const config = readPolicyConfig("production");
    const soft = rules.filter((rule) => config.level(rule) !== "mandatory").map(({ name }) => name);
    assert.deepEqual(soft, []);
  });

  it("development turns off only what is about outliving failures and keeping data", () => {
    const config = readPolicyConfig("development");
    const off = rules.filter((rule) => config.level(rule) !== "mandatory").map(({ name }) => name);
    assert.deepEqual(off, [
      "disruption-budget-required",
      "image-digests",
      "minimum-replicas",
      "protected-objects",
      "topology-spread-required",
    ]);
  });
});
