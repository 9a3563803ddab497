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
    [{ SANDLOT_VARIABLES: "SKILL_PATH=/x" }, /There is no variable SKILL_PATH\. Did you mean SKILLS_PATH\?/],
    [{ SANDLOT_VARIABLES: "XYZ=1" }, /There is no variable XYZ\.$/],
    [{ SANDLOT_VARIABLES: "stack=dev" }, /There is no variable stack\. Did you mean STACK\?/],
    [
      { SANDLOT_VARIABLES: "API_PORT=x", API_PORT: "70000" },
      /API_PORT is "70000"; allowed: an integer from 1 to 65535/,
    ],
    [{ SANDLOT_VARIABLES: "API_PORT=x", API_PORT: "0" }, /API_PORT is "0"; allowed: an integer from 1/],
    [
      { SANDLOT_VARIABLES: "REPLICAS=x", REPLICAS: "501" },
      /REPLICAS is "501"; allowed: an integer from 0 to 500/,
    ],
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

  it("are explained where a value is wrong, a flag by the value that it takes", () => {
    const remedy = (name: "SKIP_PULL" | "STACK", value: string): string => {
      try {
        readVariables("up", [name], { SANDLOT_VARIABLES: `${name}=x`, [name]: value });
      } catch (error) {
        return error instanceof UserError ? error.remedy : String(error);
      }
      return "it was taken";
    };
    assert.match(remedy("SKIP_PULL", "yes"), /^SKIP_PULL=1: never pull an image/);
    assert.match(remedy("STACK", "My Stack"), /^STACK: the stack to work on/);
  });
});
