// From configuration to the provisioner's arguments: what is passed on as it is.
import assert from "node:assert/strict";

import { provisionerArguments } from "../../../infra/arguments/provisioner";
import { parseConfig } from "../../../infra/config/load";

const argumentsOf = (provisioner: object) =>
  provisionerArguments(
    parseConfig({ "sandlot:provisioner": JSON.stringify({ enabled: true, ...provisioner }) }),
    { provisionerImage: "provisioner:1", place: { kind: "existing" } } as never,
  ).provisioner;

describe("sandlot:provisioner", () => {
  it("says where DeerFlow's gateway has its state", () => {
    const deerflowBaseDir = "/app/backend/.deer-flow";
    assert.equal(argumentsOf({ deerflowBaseDir })?.deerflowBaseDir, deerflowBaseDir);
    assert.throws(() => argumentsOf({ deerflowBaseDir: "backend" }), /deerflowBaseDir.*absolute path/s);
  });
});
