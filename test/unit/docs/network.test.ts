// docs/network.md says what the policies say today.
import assert from "node:assert/strict";
import { join } from "node:path";

import { format, resolveConfig } from "prettier";

import { reachTable, withTables } from "../../../infra/config/network-reference.js";
import { read, root } from "./documents.js";

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
});
