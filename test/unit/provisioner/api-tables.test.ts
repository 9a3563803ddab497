// The tables of docs/api.md that list what the code has lists of.
import assert from "node:assert/strict";

import { egressRefusals } from "../../../provisioner/src/model/egress-refusals.js";
import { read, section } from "../docs/documents.js";

/** The rows of the only table under a heading whose first column is called `first`; each is its cells. */
function rows(title: string, first: string): string[][] {
  const text = section(read("docs/api.md"), title) ?? "";
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
  it("says what each reason of the egress proxy means", () => {
    assert.deepEqual(
      rows("What a sandbox may reach", "Reason").map(([reason]) => reason),
      egressRefusals.map((reason) => `\`${reason}\``),
    );
  });
});
