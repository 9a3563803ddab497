// One `make up` cut into its phases.
import assert from "node:assert/strict";

import { phasesOf } from "../../../bench/phases.js";
import type { StateResource } from "../../../commands/support/state.js";

const at = (seconds: number): string => new Date(seconds * 1000).toISOString();
const resource = (name: string, created: number, type = "x:index:X"): StateResource => ({
  urn: `urn:pulumi:bench::sandlot::${type}::${name}`,
  type,
  created: at(created),
});

const resources = [
  resource("sandlot-bench", 105, "pulumi:pulumi:Stack"),
  resource("cluster", 107),
  resource("cluster-ready", 115),
  resource("sandbox-image-load", 120),
  resource("sandlot-sandbox-deployment", 125),
  resource("sandlot-sandbox-service", 123),
];
const timings = {
  startedAt: 101_000,
  updateAfter: 2_000,
  total: 27_000,
  steps: { "First program in a sandbox": 1_000 },
};

describe("phases of make up", () => {
  it("follow one upon the other and add up to the whole", () => {
    const phases = phasesOf(100_000, { timings, resources });
    assert.deepEqual(
      phases.map(({ name, ms }) => [name.replace(/:.*/, ""), ms / 1000]),
      [
        ["setup", 3],
        ["engine", 2],
        ["program", 2],
        ["cluster", 8],
        ["image load", 5],
        ["platform", 5],
        ["engine", 2],
        ["first program", 1],
      ],
    );
    assert.equal(
      phases.reduce((sum, { ms }) => sum + ms, 0),
      28_000,
    );
  });

  it("count an image that was loaded before the node was Ready as no time of its own", () => {
    const early = resources.map((each) =>
      each.urn.endsWith("::sandbox-image-load") ? resource("sandbox-image-load", 110) : each,
    );
    const phases = phasesOf(100_000, { timings, resources: early });
    assert.deepEqual(
      phases.slice(3, 6).map(({ ms }) => ms),
      [8_000, 0, 10_000],
    );
  });

  it("are refused for an update that made nothing or ran nothing", () => {
    assert.throws(() => phasesOf(0, { timings, resources: [] }), /not those of a `make up`/);
    assert.throws(
      () => phasesOf(0, { timings: { ...timings, steps: {} }, resources }),
      /not those of a `make up`/,
    );
    const withoutNode = resources.slice(0, 2);
    assert.throws(
      () => phasesOf(0, { timings, resources: withoutNode }),
      /does not say when cluster-ready was made/,
    );
  });
});
