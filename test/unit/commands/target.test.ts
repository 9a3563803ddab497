// Where a stack's platform goes, as commands see it.
import assert from "node:assert/strict";

import { parseDocument } from "yaml";

import { stackOf } from "../../../commands/support/stack-file.js";
import { refuseContainerVariables, refuseRendered, targetKind } from "../../../commands/support/target.js";

const withKind = (kind: string) => parseDocument(`config: { "sandlot:target": { kind: ${kind} } }`);
const stack = stackOf("production");

describe("target", () => {
  it("is a container unless the stack's file says otherwise", () => {
    assert.equal(targetKind(parseDocument("")), "container");
    assert.equal(targetKind(parseDocument("config: { 'sandlot:target': { context: a } }")), "container");
    assert.equal(targetKind(withKind("existing")), "existing");
    assert.throws(
      () => targetKind(withKind("exiting")),
      /"exiting"; allowed: one of container, existing, render/,
    );
  });

  it("other than a container has no use for variables about one", () => {
    refuseContainerVariables(withKind("container"), stack, { FORCE: "1", API_PORT: "1" });
    refuseContainerVariables(withKind("existing"), stack, { REPLICAS: "3", STACK: "production" });
    assert.throws(() => {
      refuseContainerVariables(withKind("existing"), stack, { FORCE: "1", API_PORT: "1" });
    }, /API_PORT, FORCE: only for a cluster in a container.*stack production has target\.kind existing/);
  });

  it("of rendered files has no cluster to ask", () => {
    refuseRendered(withKind("existing"), stack, "drift");
    assert.throws(() => {
      refuseRendered(withKind("render"), stack, "drift");
    }, /Stack production has no cluster to look at/);
  });
});
