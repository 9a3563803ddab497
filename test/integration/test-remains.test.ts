// What a test run that was cut off in another checkout left behind does not spoil this one.
import assert from "node:assert/strict";

import { stateDir } from "@sandlot/toolchain/paths.js";

import { removeTestRemains } from "../../commands/support/test-remains.js";
import { attempt, output } from "./support/shell.js";

describe("remains of earlier test runs", () => {
  const made = (what: string): string => `sandlot-remains-${process.pid}-${what}`;
  const cases: readonly [name: string, stack: string, owner: string, stays: boolean][] = [
    [made("other"), "nodes", "/another/checkout/.sandlot", false],
    [made("stackless"), "test-node", "", false],
    [made("own"), "nodes", stateDir, true],
    [made("lasting"), `dev-${process.pid}`, "/another/checkout/.sandlot", true],
  ];

  before("networks and volumes as the nodes have them", async () => {
    for (const [name, stack, owner] of cases) {
      const labels = [`sandlot.dev/stack=${stack}`, ...(owner === "" ? [] : [`sandlot.dev/owner=${owner}`])];
      for (const kind of ["network", "volume"])
        await output("docker", [kind, "create", ...labels.flatMap((label) => ["--label", label]), name]);
    }
  });

  after(async () => {
    for (const [name] of cases) {
      for (const kind of ["network", "volume"]) await attempt("docker", [kind, "rm", name]);
    }
  });

  it("go, those of other checkouts too; lasting stacks and this checkout's own stay", async () => {
    await removeTestRemains(process.env);
    for (const [name, , , stays] of cases) {
      for (const kind of ["network", "volume"]) {
        const { code } = await attempt("docker", [kind, "inspect", name]);
        assert.equal(code === 0, stays, `${kind} ${name}`);
      }
    }
  });
});
