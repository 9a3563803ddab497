// The packages that programs in Python are tested with: of the engine's version, and none without the hashes that it must have.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { projectRoot } from "../../../toolchain/paths.js";
import { minimumVersions, pulumiVersions } from "../../../toolchain/versions.js";

const read = (path: string): string => readFileSync(join(projectRoot, path), "utf8");

describe("Python packages for tests", () => {
  const ofExample = "test/integration/support/python-requirements.txt";
  const ofLibrary = "test/integration/provisioner/client-library-requirements.txt";
  const packagesOf = (path: string): string[] =>
    read(path)
      .replace(/^#.*\n/gm, "")
      .split(/^(?=\S)/m);
  const packages = packagesOf(ofExample);

  it("are pinned with hashes, one and all", () => {
    assert.ok(packages.length > 5 && packagesOf(ofLibrary).length > 5);
    for (const each of [...packages, ...packagesOf(ofLibrary)])
      assert.match(
        each,
        /^[\w.-]+==[\w.]+(?: ; [^\\\n]+)? \\\n(?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+$/,
      );
  });

  it("hold the SDK of the engine's version, as the example asks for", () => {
    const sdk = `pulumi==${pulumiVersions.cli}`;
    assert.ok(packages.some((each) => each.startsWith(`${sdk} \\`)));
    assert.equal(read("examples/python/requirements.txt").trim(), sdk);
  });

  it("are for the least Python that is used", () => {
    for (const path of [ofExample, ofLibrary]) assert.match(read(path), /--python-version 3\.10 /);
    assert.equal(minimumVersions.python, "3.10");
  });
});
