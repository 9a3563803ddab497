// Which scans an update made, by the stack's state.
import assert from "node:assert/strict";

import { scansIn } from "../../../commands/support/scanner.js";

const within = (path: string, name: string): string =>
  `urn:pulumi:dev::sandlot::sandlot:index:SandboxPlatform$${path}$command:local:Command::${name}`;
const command = (path: string, name: string, image: string) => ({
  urn: within(path, name),
  type: "command:local:Command",
  inputs: { create: "trivy", environment: { IMAGE: image, SOURCES: "remote" } },
});

describe("the scans of a stack", () => {
  it("are those of ImageScan, wherever it is, each once", () => {
    const environment = "sandlot:index:SandboxEnvironment";
    const scans = scansIn([
      {
        urn: within("sandlot:index:ImageScan", "x").replace("$command:local:Command", ""),
        type: "component",
      },
      command("sandlot:index:ImageScan", "sandlot-sandbox-image-scan-trivy", "sandbox:1"),
      command("sandlot:index:ImageScan", "sandlot-provisioner-image-scan-trivy", "provisioner:1"),
      command(`${environment}$sandlot:index:ImageScan`, "sandlot-environment-a-image-scan-trivy", "a:1"),
      command(`${environment}$sandlot:index:ImageScan`, "sandlot-environment-b-image-scan-trivy", "a:1"),
      command(environment, "sandlot-environment-a-build", "a:1"),
    ]);
    assert.deepEqual(
      scans.map(({ image }) => image),
      ["sandbox:1", "provisioner:1", "a:1"],
    );
    assert.deepEqual(scans[0], {
      image: "sandbox:1",
      script: "trivy",
      environment: { IMAGE: "sandbox:1", SOURCES: "remote" },
    });
  });

  it("are none where images are not scanned", () => {
    assert.deepEqual(scansIn([]), []);
  });
});
