// From sandlot:observability.tracing to the provisioner's arguments, and what is refused with its path.
import assert from "node:assert/strict";

import { observabilityArguments } from "../../../infra/arguments/observability";
import { provisionerArguments } from "../../../infra/arguments/provisioner";
import { ConfigError, parseConfig } from "../../../infra/config/load";

const parse = (tracing: object, enabled = true) =>
  parseConfig({
    "sandlot:provisioner": JSON.stringify({ enabled }),
    "sandlot:observability": JSON.stringify({ tracing }),
  });

const endpoint = "http://collector.monitoring.svc.cluster.local:4318";

describe("sandlot:observability.tracing", () => {
  it("becomes the provisioner's arguments, whether metrics are watched or not", () => {
    const tracing = {
      ...{ endpoint, headersSecret: "collector", samplingRatio: 0.1 },
      resourceAttributes: { "deployment.environment.name": "staging" },
      collector: { cidrs: ["198.51.100.7/32"], port: 4318 },
    };
    const config = parse(tracing);
    const { provisioner } = provisionerArguments(config, {
      provisionerImage: "provisioner:1",
      place: { kind: "existing" },
    } as never);
    assert.deepEqual(provisioner?.tracing, tracing);
    assert.equal(observabilityArguments(config), undefined);
    const watched = { ...config, observability: { ...config.observability, enabled: true } };
    assert.deepEqual(observabilityArguments(watched), {});
  });

  for (const [title, tracing, says] of [
    ["no endpoint", {}, /observability\.tracing\.endpoint/],
    [
      "an endpoint that is none",
      { endpoint: "collector:4318" },
      /observability\.tracing\.endpoint.*collector:4318/,
    ],
    [
      "a share above all",
      { endpoint, samplingRatio: 1.5 },
      /observability\.tracing\.samplingRatio.*from 0 to 1/,
    ],
    ["a range that is none", { endpoint, collector: { cidrs: ["10"] } }, /tracing\.collector\.cidrs/],
    ["headers in clear", { endpoint, headers: "authorization=x" }, /observability\.tracing.*headers/],
  ] as const)
    it(`refuses ${title}`, () => {
      assert.throws(
        () => parse(tracing),
        (error) => error instanceof ConfigError && error.problems.some((each) => says.test(each)),
      );
    });

  it("refuses traces of no provisioner", () => {
    assert.throws(() => parse({ endpoint }, false), /observability\.tracing.*set provisioner\.enabled/);
  });
});
