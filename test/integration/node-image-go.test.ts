// The Go parts of the node image that can be tried on their own: formatting, vetting and their unit tests.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { goEnvironment, quickCompile } from "../../toolchain/go.js";
import { attempt, output } from "./support/shell.js";

const sources = fileURLToPath(new URL("../../toolchain/node-image", import.meta.url));

/** Packages that do not link Kubernetes, so that a run takes seconds. */
const packages = [
  "./config",
  "./dnsrelay",
  "./gate/...",
  "./join",
  "./netpol",
  "./nodenet",
  "./options",
  "./registries",
];

describe("node image's Go sources", function () {
  this.timeout(300_000); // the first run compiles what the packages stand on
  // The flags and the environment of the image's own build, so that both share the compiler's cache.
  const flags = ["-trimpath", "-buildvcs=false", ...quickCompile];
  const cwd = join(sources, "node");

  before("Go is needed", async function () {
    if ((await attempt("go", ["version"], { cwd })).code !== 0) this.skip();
  });

  it("are formatted", async () => {
    assert.equal(await output("gofmt", ["-l", sources]), "");
  });

  it("pass their unit tests, which vet them as well", async () => {
    const { code, stdout, stderr } = await attempt("go", ["test", ...flags, ...packages], {
      cwd,
      env: goEnvironment("native"),
      timeout: 280_000,
    });
    assert.equal(code, 0, stdout + stderr);
  });
});
