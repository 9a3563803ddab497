// What `make secret` takes: the program's own settings and rules, and no word of a wrong secret.
import assert from "node:assert/strict";

import { checkSecret, secretSettings } from "../../../commands/support/secret-settings.js";
import { variables } from "../../../commands/support/variables.js";
import { apiKeyRule, signingKeyRule } from "../../../components/provisioner/resolve.js";
import { selectContext } from "../../../infra/kubeconfig.js";
import { configurationReference } from "../../../infra/config/reference.js";
import { UserError } from "../../../toolchain/errors.js";

const kubeconfig = `contexts: [{ name: a, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: https://10.0.0.1 } }]
users: [{ name: u, user: { token: do-not-tell } }]
`;

const takes = (setting: string, secret: string): boolean => {
  try {
    checkSecret(setting, secret);
    return true;
  } catch (error) {
    assert.ok(error instanceof UserError);
    assert.ok(secret === "" || !`${error.message}${error.remedy}`.includes(secret), error.message);
    return false;
  }
};

describe("make secret", () => {
  it("knows every setting that takes a secret, in the words of the reference", () => {
    const reference = configurationReference();
    const rows = [...reference.matchAll(/^\| `([\w.]+)`.*\| ([^|]+), as a secret \(`make secret`\) +\|$/gm)];
    const words = Object.fromEntries(rows.map(([, path = "", allowed = ""]) => [path, allowed.trim()]));
    const known = Object.entries(secretSettings).map(([path, { allowed }]) => [path, allowed]);
    assert.deepEqual(words, Object.fromEntries(known));
    for (const [path] of known) assert.match(path ?? "", variables.SETTING.pattern);
  });

  for (const [rule, setting] of [
    [apiKeyRule, "provisioner.apiKey"],
    [signingKeyRule, "provisioner.signingKey"],
  ] as const) {
    it(`takes of ${setting} what the program takes`, () => {
      const some = [
        "x".repeat(32),
        "x".repeat(31),
        "a".repeat(64),
        "A1".repeat(32),
        "a".repeat(63),
        "a b".repeat(30),
        `${"a".repeat(64)}\n${"b".repeat(64)}`,
        `${"a".repeat(64)}\n${"b".repeat(63)}`,
      ];
      for (const each of some) assert.equal(takes(setting, each), rule(each) === undefined, each);
      assert.ok(takes(setting, `${"a".repeat(64)}\n`), "with the line end that programs put behind it");
    });
  }

  it("takes a kubeconfig, and not its path, another file or nothing", () => {
    assert.equal(selectContext(kubeconfig, "a").server, "https://10.0.0.1");
    assert.ok(takes("target.kubeconfig", kubeconfig));
    for (const wrong of ["~/.kube/config", "apiVersion: v1", "{", ""])
      assert.ok(!takes("target.kubeconfig", wrong));
  });
});
