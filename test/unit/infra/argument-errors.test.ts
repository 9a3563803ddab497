// What components say of bad arguments names the key of the stack's file that they come from.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ArgumentError } from "@sandlot/components";

import { describeArguments, inStackFile } from "../../../infra/config/argument-errors";

describe("problems of arguments", () => {
  for (const [said, told] of [
    ['SandboxDeployment "sandlot-sandbox": replicas is -1, but …', "sandlot:sandbox: replicas is -1, but …"],
    ['K3sCluster "cluster": apiPort is 0, but …', "sandlot:cluster: apiPort is 0, but …"],
    ['SandboxPlatform "sandlot": deployment.replicas is 60, but …', "sandlot: sandbox.replicas is 60, but …"],
    [
      'SandboxDeployment "s": env[0].name is "HOME", but … writable.tmp … probes.startup.periodSeconds',
      'sandlot:sandbox: a name in environment is "HOME", but … storage.temporary … startupProbe.periodSeconds',
    ],
    [
      'SandboxEnvironment "sandlot-environment-tools": registry.repository is "a b", but …',
      'sandlot:environments "tools": repository is "a b", but …',
    ],
    [
      'SandboxNamespace "sandlot-home": quota.limitsCpu is "1", but quota.requestsEphemeralStorage is …',
      'sandlot:namespace: quota.cpu is "1", but quota.requests.ephemeralStorage is …',
    ],
    [
      'Provisioner "p": timeouts.softSeconds is 1, but apiServer.cidrs …',
      "sandlot:provisioner: timeouts.soft is 1, but apiServerCidrs …",
    ],
    ['EgressProxy "e": replicas is -1, but …', "sandlot:provisioner.egressProxy: replicas is -1, but …"],
    [
      'ImageScan "sandlot-sandbox-image-scan": accepted[1].id is "CVE-2026-1", which …',
      'sandlot:imageScan: accepted[1].id is "CVE-2026-1", which …',
    ],
    ['SandboxPlatform "s": defaultPoolSize is given, but …', "sandlot: provisioner.poolSize is given, but …"],
    [
      'SandboxPlatform "s": environments "tools": … egressProxy is not given',
      'sandlot: environments "tools": … provisioner.egressProxy is not given',
    ],
    [
      'Provisioner "p": tracing.endpoint is "x", but …',
      'sandlot:observability: tracing.endpoint is "x", but …',
    ],
    [
      'SandboxPlatform "s": defaultPoolSize is 9: … raise namespace.quota.limitsCpu',
      "sandlot: provisioner.poolSize is 9: … raise namespace.quota.cpu",
    ],
    ['Something "else": name is 1', 'Something "else": name is 1'],
  ] as const) {
    it(said, () => {
      assert.equal(inStackFile(said), told);
    });
  }

  it("are told like mistakes that the schema finds", () => {
    const error = new ArgumentError(['SandboxDeployment "s": replicas is -1, but …']);
    assert.match(
      describeArguments(error),
      /^The stack's configuration has a mistake:\n {2}- sandlot:sandbox: replicas is -1, but …\nNothing was changed\. /,
    );
  });

  it("are told once where several components find the same image wrong", () => {
    const error = new ArgumentError([
      'SandboxDeployment "s": image is "a:latest", but …',
      'SandboxEnvironment "sandlot-environment-default": sandboxImage is "a:latest", but …',
    ]);
    assert.equal(describeArguments(error).match(/latest/g)?.length, 1);
  });

  it("name a key of the stack's file, whichever component of a stack they are of", () => {
    const { resources } = JSON.parse(
      readFileSync(join(__dirname, "../../../component-package/schema.json"), "utf8"),
    ) as { resources: object };
    const classes = Object.keys(resources).map((type) => type.split(":").at(-1) ?? "");
    assert.ok(classes.length > 10);
    // What these are told comes from no single key.
    for (const name of classes.filter((each) => !["NodeImage", "SandboxRbac"].includes(each)))
      assert.match(inStackFile(`${name} "a": b is 1, but …`), /^sandlot/, name);
  });
});
