// The tables of the documents that list what the code has lists of.
import assert from "node:assert/strict";

import { problems, problemTypes, typeOf } from "../../../provisioner/src/http/problems.js";
import { egressRefusals } from "../../../provisioner/src/model/egress-refusals.js";
import { reapReasons } from "../../../provisioner/src/model/timeouts.js";
import { inCode, read, section } from "../docs/documents.js";

/** The rows of the only table under a heading whose first column is called `first`; each is its cells. */
function rows(document: string, title: string, first: string): string[][] {
  const text = section(read(document), title) ?? "";
  const [, body = ""] = new RegExp(`^\\| ${first} .*\\n\\|[ |-]*\\n((?:\\|.*\\n)*)`, "m").exec(text) ?? [];
  return body
    .trimEnd()
    .split("\n")
    .map((row) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

describe("docs/api.md", () => {
  it("lists every type of problem, those of the core's errors with their status and code", () => {
    const table = rows("docs/api.md", "Errors", "Status").map(([status, type = "", code]) => [
      ...[status, `urn:sandlot:problem:${type.slice(1, -1)}`, code],
    ]);
    assert.deepEqual(
      table.map(([, type]) => type),
      problemTypes,
    );
    const ofCore = Object.entries(problems).map(([code, [status, title]]) => [
      ...[String(status), typeOf(title), `\`${code}\``],
    ]);
    assert.deepEqual(table.slice(0, ofCore.length), ofCore);
  });

  it("says what each reason of the egress proxy means", () => {
    assert.deepEqual(
      rows("docs/api.md", "What a sandbox may reach", "Reason").map(([reason]) => reason),
      egressRefusals.map((reason) => `\`${reason}\``),
    );
  });
});

describe("docs/observability.md", () => {
  it("lists every reason for which a sandbox is reaped", () => {
    const table = rows("docs/observability.md", "Metrics", "Reason");
    assert.deepEqual(table.flatMap(([reason = ""]) => inCode(reason)).sort(), [...reapReasons].sort());
  });
});
