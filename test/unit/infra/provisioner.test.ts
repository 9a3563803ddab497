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

  it("says how long work under way may go on when a pod of it ends", () => {
    assert.equal(argumentsOf({ terminationGracePeriodSeconds: 60 })?.terminationGracePeriodSeconds, 60);
    assert.throws(() => argumentsOf({ terminationGracePeriodSeconds: 5 }), /from 15 to 3600/);
  });

  it("says where the API server is", () => {
    assert.equal(argumentsOf({})?.apiServer, undefined);
    assert.deepEqual(argumentsOf({ apiServerPorts: [16_443] })?.apiServer, { ports: [16_443] });
    const both = argumentsOf({ apiServerCidrs: ["198.51.100.7/32"], apiServerPorts: [8443] });
    assert.deepEqual(both?.apiServer, { cidrs: ["198.51.100.7/32"], ports: [8443] });
    assert.throws(() => argumentsOf({ apiServerPorts: [0] }), /apiServerPorts/);
  });

  it("says how often everybody may call, and one tenant", () => {
    const rateLimit = { requests: 20, seconds: 1 };
    const acme = { name: "acme", keys: [{ name: "k", sha256: "0".repeat(64) }], rateLimit };
    const given = argumentsOf({ rateLimit: { requests: 500, seconds: 10 }, tenants: [acme] });
    assert.deepEqual(given?.rateLimit, { requests: 500, seconds: 10 });
    assert.deepEqual(given.tenants, [acme]);
    assert.throws(() => argumentsOf({ rateLimit: { requests: 0, seconds: 1 } }), /rateLimit\.requests/);
    assert.throws(
      () => argumentsOf({ existingSecret: "theirs", rateLimit }),
      /existingSecret holds all keys/,
    );
  });
});
