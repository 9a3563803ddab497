// Secrets in configuration: only where they stay secret, and never repeated.
import assert from "node:assert/strict";

import { ConfigError, parseConfig } from "../../../infra/config/load";

const target = {
  kind: "existing",
  kubeconfig: "users: [{ name: u, user: { token: do-not-tell } }]",
  context: "production",
  clusterIdentifier: "production",
};

const parse = (config: Record<string, unknown>, ...secrets: string[]) =>
  parseConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [`sandlot:${key}`, JSON.stringify(value)]),
    ),
    (key) => secrets.includes(key),
  );

function refusal(config: Record<string, unknown>, ...secrets: string[]): string {
  try {
    parse(config, ...secrets);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.ok(!error.message.includes("do-not-tell"), error.message);
    return error.message;
  }
  throw new assert.AssertionError({ message: "it was taken" });
}

describe("secrets in stack configuration", () => {
  it("are taken in target.kubeconfig", () => {
    assert.equal(parse({ target }, "sandlot:target").target?.kubeconfig, target.kubeconfig);
  });

  it("are refused where they would be readable in the cluster", () => {
    const message = refusal({ sandbox: { environment: { TOKEN: "do-not-tell" } } }, "sandlot:sandbox");
    assert.match(message, /sandlot:sandbox holds a secret.*secrets in .*sandlot:target\.kubeconfig/);
  });

  it("are refused in clear", () => {
    assert.match(refusal({ target }), /sandlot:target\.kubeconfig is written in clear; allowed: a secret/);
  });

  it("are not repeated when something else about them is wrong", () => {
    const message = refusal({ target: { ...target, kind: "container" } }, "sandlot:target");
    assert.match(message, /sandlot:target\.kubeconfig is \[secret\]: kind container has no use for it/);
    assert.match(refusal({ target: { ...target, kubeconfig: { token: "do-not-tell" } } }), /is \[secret\]/);
  });
});
