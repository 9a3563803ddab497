// Which Trivy is used, and which one is built.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { installedTrivy } from "../../../toolchain/image-scanner/index.js";
import { projectRoot } from "../../../toolchain/paths.js";
import { minimumVersions, trivyVersion } from "../../../toolchain/versions.js";

describe("Trivy", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-trivy-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** What is found where the one on PATH answers so. */
  function found(answer?: string): Promise<string | undefined> {
    if (answer !== undefined)
      writeFileSync(join(folder, "trivy"), `#!/bin/sh\nprintf '${answer}'\n`, { mode: 0o755 });
    return installedTrivy({ PATH: [folder, "/usr/bin", "/bin"].join(delimiter) });
  }

  it("is the one on PATH if that is new enough", async () => {
    assert.equal(await found(`Version: ${minimumVersions.trivy}\\n`), folder);
    assert.equal(await found("Version: 1.0.0\\nVulnerability DB:\\n  Version: 2\\n"), folder);
  });

  it("is not one that is too old, does not tell, or is not there", async () => {
    for (const answer of ["Version: 0.9.9\\n", "trivy\\n", "Version: dev\\n", undefined]) {
      rmSync(join(folder, "trivy"), { force: true });
      assert.equal(await found(answer), undefined, answer);
    }
  });

  it("is built at the version that it says it is", () => {
    const module = readFileSync(join(projectRoot, "toolchain/image-scanner/trivy/go.mod"), "utf8");
    assert.match(
      module,
      new RegExp(`github\\.com/aquasecurity/trivy v${trivyVersion.replaceAll(".", "\\.")}( |$)`, "m"),
    );
  });
});
