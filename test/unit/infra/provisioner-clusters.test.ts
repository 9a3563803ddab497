// From configuration to a provisioner of several clusters: what is passed on, and what does not go together.
import assert from "node:assert/strict";

import { provisionerArguments } from "../../../infra/arguments/provisioner";
import { ConfigError, parseConfig } from "../../../infra/config/load";

const parse = (provisioner: object) =>
  parseConfig({ "sandlot:provisioner": JSON.stringify({ enabled: true, ...provisioner }) });

const clustersSecret = "clusters";
const clustersNetwork = { apiServerCidrs: ["198.51.100.7/32"], sandboxCidrs: ["10.64.0.0/12"] };

describe("sandlot:provisioner with several clusters", () => {
  it("becomes the component's arguments", () => {
    const { provisioner } = provisionerArguments(parse({ clustersSecret, clustersNetwork }), {
      provisionerImage: "provisioner:1",
      place: { kind: "existing" },
    } as never);
    assert.equal(provisioner?.clustersSecret, clustersSecret);
    assert.deepEqual(provisioner.clustersNetwork, clustersNetwork);
  });

  for (const [title, given, says] of [
    [
      "clusters without the way to them",
      { clustersSecret },
      /provisioner\.clustersNetwork.*set both or none/,
    ],
    ["the way to no clusters", { clustersNetwork }, /provisioner\.clustersSecret.*set both or none/],
    [
      "URLs that lead nowhere in another cluster",
      { clustersSecret, clustersNetwork, sandboxUrls: "ClusterIP" },
      /provisioner\.sandboxUrls.*set it to Router/,
    ],
    [
      "a range that is none",
      { clustersSecret, clustersNetwork: { sandboxCidrs: ["10.64"] } },
      /provisioner\.clustersNetwork\.sandboxCidrs/,
    ],
  ] as const) {
    it(`refuses ${title}`, () => {
      assert.throws(
        () => parse(given),
        (error) => error instanceof ConfigError && error.problems.some((each) => says.test(each)),
      );
    });
  }
});
