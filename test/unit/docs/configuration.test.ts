// docs/configuration.md is what the schema says today.
import assert from "node:assert/strict";
import { join } from "node:path";

import { format, resolveConfig } from "prettier";

import { configurationReference } from "../../../infra/config/reference.js";
import { read, root } from "./documents.js";

describe("docs/configuration.md", () => {
  it("is current (npm run reference)", async () => {
    const options = await resolveConfig(join(root, "docs/configuration.md"));
    const current = await format(configurationReference(), { ...options, parser: "markdown" });
    assert.equal(read("docs/configuration.md"), current);
  });
});
