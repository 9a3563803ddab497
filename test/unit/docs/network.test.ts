// docs/network.md says what the policies say today.
import assert from "node:assert/strict";
import { join } from "node:path";

import { format, resolveConfig } from "prettier";
import { parse } from "yaml";

import { proxySelector } from "../../../components/egress-proxy/objects.js";
import {
  CLIENT_LABEL,
  EGRESS_LABEL,
  provisionedSelector,
  sandboxSelector,
  sharedSelector,
} from "../../../components/shared/labels.js";
import { reachTable, withTables } from "../../../infra/config/network-reference.js";
import {
  ENVIRONMENT,
  POD,
  SANDBOX_ID,
  STATE,
  TENANT,
  USER_LABEL_PREFIX,
} from "../../../provisioner/src/model/labels.js";
import { codeBlocks, read, root } from "./documents.js";

describe("docs/network.md", () => {
  it("has the tables that the policies give (npm run reference)", async () => {
    const document = read("docs/network.md");
    const options = await resolveConfig(join(root, "docs/network.md"));
    assert.equal(document, await format(withTables(document), { ...options, parser: "markdown" }));
  });

  const verdictsOf = (kind: "shared" | "provisioned") => {
    const rows = reachTable(kind)
      .split("\n")
      .map((line) => line.split("|").map((cell) => cell.trim()));
    return (what: string) => rows.find(([, first = ""]) => first.includes(what))?.slice(2, 5);
  };

  it("says in its first table what is expected of the profiles", () => {
    const verdicts = verdictsOf("shared");
    assert.deepEqual(verdicts("From a shared sandbox"), ["`blocked`", "`allowlist`", "`open`"]);
    assert.deepEqual(verdicts("the cluster's DNS"), ["yes", "yes", "yes"]);
    assert.deepEqual(verdicts("a DNS cache"), ["if configured", "if configured", "if configured"]);
    assert.deepEqual(verdicts("another sandbox"), ["no", "no", "no"]);
    assert.deepEqual(verdicts("internet, IPv4"), ["no", "if listed", "yes"]);
    assert.deepEqual(verdicts("internet, IPv6"), ["no", "if listed", "yes"]);
    for (const shut of ["any other port", "own public ranges", "cloud metadata", "table below"]) {
      assert.deepEqual(verdicts(shut), ["no", "if listed with `allowPrivate`", "no"], shut);
    }
  });

  it("says in its second that neither a list nor the DNS opens anything to a sandbox of the provisioner", () => {
    const verdicts = verdictsOf("provisioned");
    assert.deepEqual(verdicts("the cluster's DNS"), ["no", "no", "yes"]);
    assert.deepEqual(verdicts("a DNS cache"), ["no", "no", "if configured"]);
    for (const family of ["internet, IPv4", "internet, IPv6"])
      assert.deepEqual(verdicts(family), ["no", "no", "yes"], family);
    for (const shut of ["any other port", "own public ranges", "cloud metadata", "table below"])
      assert.deepEqual(verdicts(shut), ["no", "no", "no"], shut);
  });

  it("fails to be made when a table has lost its place", () => {
    assert.throws(() => withTables("# Network\n"), /no place for the table reach-shared/);
  });

  it("leaves out of Cilium's identities what is a sandbox's own, and nothing that policies select by", () => {
    const [block = ""] = codeBlocks(read("docs/network.md"), "yaml").filter((each) =>
      each.includes("cilium-config"),
    );
    const { data } = parse(block) as { data: { labels: string } };
    // Exclusions are regular expressions that a key begins with.
    const patterns = data.labels.split(" ").map((each) => {
      const [, pattern = ""] = /^k8s:!(.+)$/.exec(each) ?? [];
      assert.notEqual(pattern, "", each);
      return new RegExp(`^(?:${pattern})`);
    });
    const leftOut = (key: string): boolean => patterns.some((pattern) => pattern.test(key));
    for (const own of [POD, SANDBOX_ID, STATE, "sandbox-id", `${USER_LABEL_PREFIX}team`])
      assert.ok(leftOut(own), own);
    const selecting = { ...sandboxSelector, ...sharedSelector, ...provisionedSelector, ...proxySelector };
    for (const key of [...Object.keys(selecting), EGRESS_LABEL, CLIENT_LABEL, TENANT, ENVIRONMENT])
      assert.ok(!leftOut(key), key);
  });
});
