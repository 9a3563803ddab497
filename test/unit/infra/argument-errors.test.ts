// What components say of bad arguments names the key of the stack's file that they come from.
import assert from "node:assert/strict";

import { inStackFile } from "../../../infra/config/argument-errors";

describe("problems of arguments", () => {
  for (const [said, told] of [
    ['SandboxDeployment "sandlot-sandbox": replicas is -1, but …', "sandlot:sandbox: replicas is -1, but …"],
    ['K3sCluster "cluster": apiPort is 0, but …', "sandlot:cluster: apiPort is 0, but …"],
    ['SandboxPlatform "sandlot": deployment.replicas is 60, but …', "sandlot: sandbox.replicas is 60, but …"],
    [
      'Provisioner "p": tracing.endpoint is "x", but …',
      'sandlot:observability: tracing.endpoint is "x", but …',
    ],
    ['Something "else": name is 1', 'Something "else": name is 1'],
  ] as const) {
    it(said, () => {
      assert.equal(inStackFile(said), told);
    });
  }
});
