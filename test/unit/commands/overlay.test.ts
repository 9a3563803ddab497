// CONFIG: a file laid over a stack's file.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDocument } from "yaml";

import { applyOverlay, mergePatch } from "../../../commands/support/overlay.js";
import { UserError } from "../../../toolchain/errors.js";

describe("overlay", () => {
  it("merges objects, replaces what is none, and takes away what is null", () => {
    const document = parseDocument(
      "config:\n  sandlot:target: { kind: existing, context: a }\n  sandlot:network: { clientCidrs: [10.0.0.0/8] }\n",
    );
    mergePatch(document, {
      config: {
        "sandlot:target": { kind: "render", context: null, directory: "out" },
        "sandlot:network": { clientCidrs: ["10.1.0.0/16"] },
        "sandlot:sandbox": { resources: { limits: { cpu: "2" } } },
      },
    });
    assert.deepEqual(document.toJS(), {
      config: {
        "sandlot:target": { kind: "render", directory: "out" },
        "sandlot:network": { clientCidrs: ["10.1.0.0/16"] },
        "sandlot:sandbox": { resources: { limits: { cpu: "2" } } },
      },
    });
  });

  for (const [title, text, says] of [
    ["no YAML", "config: {", /is not a stack's file/],
    ["no config", "sandlot:sandbox: {}", /it has no config/],
  ] as const) {
    it(`refuses a file with ${title}`, () => {
      const dir = mkdtempSync(join(tmpdir(), "sandlot-overlay-"));
      try {
        writeFileSync(join(dir, "overlay.yaml"), text);
        assert.throws(
          () => {
            applyOverlay(parseDocument("config: {}"), join(dir, "overlay.yaml"));
          },
          (error) => error instanceof UserError && says.test(error.message),
        );
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
  }

  it("names a file that is not there", () => {
    assert.throws(() => {
      applyOverlay(parseDocument("config: {}"), "no/such.yaml");
    }, /CONFIG is no\/such\.yaml, but there is no file \//);
    assert.throws(() => {
      applyOverlay(parseDocument("config: {}"), "docs");
    }, /CONFIG is docs, but \/.*\/docs is no file/);
  });
});
