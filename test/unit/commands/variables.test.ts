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

  it("are read when they stand on the command line, empty ones being absent", () => {
    const env = { SANDLOT_VARIABLES: "STACK=dev REPLICAS=", STACK: "dev", REPLICAS: "" };
    assert.deepEqual(readVariables("up", ["STACK", "REPLICAS"], env), { STACK: "dev" });
  });

  it("of the environment, only those meant to be found there count", () => {
    const env = { NODE: "/usr/bin/node", SKILLS_PATH: "/srv/skills", SANDLOT_VARIABLES: "" };
    assert.deepEqual(readVariables("up", ["NODE", "SKILLS_PATH"], env), { SKILLS_PATH: "/srv/skills" });
  });

  for (const [env, says] of [
    [
      { SANDLOT_VARIABLES: "SKILL_PATH=/x" },
      /make up has no variable SKILL_PATH\. Did you mean SKILLS_PATH\?/,
    ],
    [{ SANDLOT_VARIABLES: "XYZ=1" }, /make up has no variable XYZ\.$/],
    [{ SANDLOT_VARIABLES: "STACK=x", STACK: "My Stack" }, /STACK is "My Stack"; allowed: lower-case letters/],
    [
      { SANDLOT_VARIABLES: "API_PORT=x", API_PORT: "-1" },
      /API_PORT is "-1"; allowed: an integer from 1 to 65535/,
    ],
    [{ SANDLOT_VARIABLES: "SKIP_PULL=x", SKIP_PULL: "yes" }, /SKIP_PULL is "yes"; allowed: 1 or 0/],
    [{ SANDLOT_VARIABLES: "ONLY=x", ONLY: "platform" }, /ONLY is "platform"; allowed: cluster/],
    [{ SANDLOT_VARIABLES: "REPLICAS=x", REPLICAS: "many" }, /REPLICAS is "many"; allowed/],
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
