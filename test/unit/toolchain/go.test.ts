// What programs are built for, and how much room a build needs.
import assert from "node:assert/strict";
import { join } from "node:path";

import { goArchitecture, goEnvironment, goObstacle, goVersion } from "../../../toolchain/go.js";
import { projectRoot } from "../../../toolchain/paths.js";
import { roomNeeded } from "../../../toolchain/prerequisites/build-room.js";
import { diskNeeds } from "../../../toolchain/prerequisites/index.js";

const module = join(projectRoot, "sandboxd");

describe("Go builds", () => {
  it("are for Linux in containers whatever the machine is, and for the machine itself if they stay here", () => {
    assert.equal(goEnvironment()["GOOS"], "linux");
    assert.equal(goEnvironment()["GOARCH"], goArchitecture());
    assert.equal(goEnvironment("container", "arm64")["GOARCH"], "arm64");
    const native = goEnvironment("native");
    assert.deepEqual([native["GOOS"], native["GOARCH"]], [undefined, undefined]);
    assert.deepEqual(["x64", "arm64"].map(goArchitecture), ["amd64", "arm64"]);
  });

  it("for another system have another key", async () => {
    const version = await goVersion(module, "a test", "container", "linux");
    assert.doesNotMatch(version, / for /);
    assert.equal(
      await goVersion(module, "a test", "container", "darwin"),
      `${version} for linux/${goArchitecture()}`,
    );
    assert.equal(await goVersion(module, "a test", "native", "darwin"), version);
  });

  it("say why there is no Go", async () => {
    assert.equal(await goObstacle(module), undefined);
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      assert.equal(await goObstacle(module), "Go is missing");
    } finally {
      process.env["PATH"] = path;
    }
  });

  it("need less room where earlier ones have filled the caches", () => {
    assert.equal(roomNeeded(0), diskNeeds.build);
    assert.equal(roomNeeded(diskNeeds.build), diskNeeds.run);
  });
});
