// The scanner, as commands get it. Where none is on PATH it is built, for minutes the first time: here, beside tests that wait, before
// environments/image-scan.test.ts needs it, which is one of the last: it would begin a second build.
import assert from "node:assert/strict";
import { join } from "node:path";

import { execa } from "execa";

import { installedTrivy } from "../../toolchain/image-scanner/index.js";
import { atLeast } from "../../toolchain/prerequisites/tools.js";
import { minimumVersions, trivyVersion } from "../../toolchain/versions.js";
import { runInBackground } from "./support/background.js";

const program = `
  import { ensureTrivy } from "./toolchain/image-scanner/index.js";
  console.log(await ensureTrivy());`;

describe("the image scanner", () => {
  it("is Trivy, that on PATH or else one that is built in the version pinned", async () => {
    const folder = await runInBackground(program);
    const { stdout } = await execa(join(folder, "trivy"), ["--version"]);
    const version = /^Version: v?(\S+)/m.exec(stdout)?.[1] ?? "";
    if ((await installedTrivy(process.env)) === undefined) assert.equal(version, trivyVersion);
    else assert.ok(atLeast(version, minimumVersions.trivy), stdout);
  }).timeout(2_400_000);
});
