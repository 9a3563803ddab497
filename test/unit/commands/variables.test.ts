// Make variables: known ones are read, others refused with the nearest name.
import assert from "node:assert/strict";

import { UserError } from "../../../toolchain/errors.js";
import { givenNames, readVariables } from "../../../commands/support/variables.js";

describe("make variables", () => {
  it("are found in make's own list, whatever their values hold", () => {
    assert.deepEqual(givenNames("CMD=echo\\ X=1\\ hi STACK=dev"), ["CMD", "STACK"]);
    assert.deepEqual(givenNames("A:=1 B::=2"), ["A", "B"]);
    assert.deepEqual(givenNames(""), []);
  });

  it("are read from the environment, empty ones being absent", () => {
    assert.deepEqual(readVariables("up", ["STACK", "REPLICAS"], { STACK: "dev", REPLICAS: "", CMD: "x" }), { STACK: "dev" });
  });

  for (const [env, says] of [
    [{ SANDLOT_VARIABLES: "SKILL_PATH=/x" }, /make up has no variable SKILL_PATH\. Did you mean SKILLS_PATH\?/],
    [{ SANDLOT_VARIABLES: "XYZ=1" }, /make up has no variable XYZ\.$/],
    [{ STACK: "My Stack" }, /STACK is "My Stack"; allowed: lower-case letters/],
    [{ API_PORT: "-1" }, /API_PORT is "-1"; allowed: an integer from 1 to 65535/],
    [{ SKIP_PULL: "yes" }, /SKIP_PULL is "yes"; allowed: 1 or 0/],
    [{ ONLY: "platform" }, /ONLY is "platform"; allowed: cluster/],
    [{ REPLICAS: "many" }, /REPLICAS is "many"; allowed/],
  ] as const) {
    it(`refuses ${JSON.stringify(env)}`, () => {
      const known = ["STACK", "SKILLS_PATH", "API_PORT", "SKIP_PULL", "ONLY", "REPLICAS"] as const;
      assert.throws(
        () => readVariables("up", known, env),
        (error) => error instanceof UserError && says.test(error.message) && error.remedy !== "",
      );
    });
  }
});
