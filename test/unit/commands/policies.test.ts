// Which configuration of the policies a stack is held against.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { policyArguments, policyConfig } from "../../../commands/support/policies.js";

describe("the policies' configuration of a stack", () => {
  let dir: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), "sandlot-policies-"));
  });

  after(() => {
    rmSync(dir, { recursive: true });
  });

  const stack = (name: string, target: string) => {
    const file = join(dir, `Pulumi.${name}.yaml`);
    writeFileSync(file, `config:\n  sandlot:target:\n    kind: ${target}\n`);
    return { name, dir, file };
  };

  for (const [name, target, file] of [
    ["dev", "container", "development.json"],
    ["test", "container", "development.json"],
    ["staging", "existing", "staging.json"],
    ["production", "existing", "production.json"],
    ["render", "render", "render.json"],
    ["europe", "existing", "production.json"],
    ["gitops", "render", "production.json"],
  ] as const) {
    it(`${name}, which goes to ${target}: ${file}`, () => {
      const config = policyConfig(stack(name, target));
      assert.equal(basename(config), file);
      assert.ok(existsSync(config));
    });
  }

  it("goes to the engine beside the pack", () => {
    const given = stack("dev", "container");
    const [flag, pack = "", configFlag, config] = policyArguments(given);
    assert.deepEqual(
      [flag, configFlag, config],
      ["--policy-pack", "--policy-pack-config", policyConfig(given)],
    );
    assert.ok(existsSync(join(pack, "PulumiPolicy.yaml")));
  });
});
