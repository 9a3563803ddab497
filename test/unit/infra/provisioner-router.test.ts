// From configuration to how the provisioner leads to sandboxes: their hosts, and for how long what was seen is believed.
import assert from "node:assert/strict";

import { provisionerArguments } from "../../../infra/arguments/provisioner";
import { ConfigError, parseConfig } from "../../../infra/config/load";

const parse = (provisioner: object) =>
  parseConfig({ "sandlot:provisioner": JSON.stringify({ enabled: true, ...provisioner }) });

describe("sandlot:provisioner's timeouts.clusterLost", () => {
  it("becomes the component's argument", () => {
    const { provisioner } = provisionerArguments(parse({ timeouts: { clusterLost: 120 } }), {
      provisionerImage: "sandlot/provisioner:1",
      place: { kind: "container" } as never,
    });
    assert.deepEqual(provisioner?.timeouts, { clusterLostSeconds: 120 });
  });
});

describe("sandlot:provisioner's nodeHost", () => {
  it("becomes the component's argument", () => {
    const { provisioner } = provisionerArguments(parse({ sandboxUrls: "NodePort", nodeHost: "10.0.0.7" }), {
      provisionerImage: "sandlot/provisioner:1",
      place: { kind: "container" } as never,
    });
    assert.equal(provisioner?.sandboxUrls, "NodePort");
    assert.equal(provisioner.nodeHost, "10.0.0.7");
  });

  for (const [title, given, says] of [
    [
      "is refused where no URL leads to a node",
      { nodeHost: "10.0.0.7" },
      /nodeHost.*set that as well, or leave/,
    ],
    [
      "is refused where it is no host",
      { sandboxUrls: "NodePort", nodeHost: "http://10.0.0.7:80" },
      /nodeHost is "http:\/\/10\.0\.0\.7:80".*allowed: a host name in lower case, an IPv4 address/,
    ],
  ] as const)
    it(title, () => {
      assert.throws(
        () => parse(given),
        (error) => error instanceof ConfigError && says.test(error.message),
      );
    });
});

describe("sandlot:provisioner's hostSuffix", () => {
  it("becomes the component's argument", () => {
    const { provisioner } = provisionerArguments(
      parse({ hostSuffix: "sandboxes.localhost", hostPort: 8081, nodePort: 30081 }),
      {
        provisionerImage: "sandlot/provisioner:1",
        place: { kind: "container" } as never,
      },
    );
    assert.equal(provisioner?.hostSuffix, "sandboxes.localhost");
    assert.equal(provisioner.url, "http://127.0.0.1:8081");
  });

  it("is refused where it is no domain", () => {
    for (const hostSuffix of [
      "10.0.0.1",
      `${"a.".repeat(94)}ab`,
      "localhost",
      "*.example.com",
      ".example.com",
      "https://example.com",
      "Example.com",
    ])
      assert.throws(
        () => parse({ hostSuffix }),
        (error) =>
          error instanceof ConfigError &&
          /sandlot:provisioner.*hostSuffix is .*allowed: a domain such as sandboxes\.example\.com/.test(
            error.message,
          ),
        hostSuffix,
      );
  });
});
