// From configuration to environments and to how sandboxes are watched: what is passed on, and what does not go together.
import assert from "node:assert/strict";

import { AntiAffinity, EgressProfile, TolerationOperator } from "@sandlot/components";

import { environmentArguments } from "../../../infra/arguments/environments";
import { observabilityArguments } from "../../../infra/arguments/observability";
import { ConfigError, parseConfig } from "../../../infra/config/load";

const parse = (key: string, value: unknown, rest: Record<string, unknown> = {}) =>
  parseConfig(
    Object.fromEntries(
      Object.entries({ [key]: value, ...rest }).map(([name, each]) => [
        `sandlot:${name}`,
        JSON.stringify(each),
      ]),
    ),
  );

function refused(value: unknown, message: RegExp, rest: Record<string, unknown> = {}): void {
  assert.throws(
    () => parse("environments", value, rest),
    (error) => error instanceof ConfigError && error.problems.some((each) => message.test(each)),
    String(message),
  );
}

describe("sandlot:environments", () => {
  it("become the component's arguments", () => {
    const config = parse("environments", [
      {
        name: "tools",
        build: { pip: ["six==1.17.0"] },
        repository: "registry.example.com/team",
        egress: "allowlist",
        runtimeClass: "kata",
        runtimes: ["gvisor"],
        maxResources: { cpu: "4" },
        placement: {
          antiAffinity: "preferred",
          spread: false,
          tolerations: [{ key: "t", operator: "Exists" }],
        },
        environment: { A: "1" },
        secrets: [{ variable: "TOKEN", secret: "keys", key: "token" }],
        poolSize: 2,
      },
    ]);
    assert.deepEqual(environmentArguments(config), [
      {
        name: "tools",
        build: { pip: ["six==1.17.0"] },
        registry: { repository: "registry.example.com/team" },
        egress: EgressProfile.Allowlist,
        runtimeClassName: "kata",
        runtimes: ["gvisor"],
        maxResources: { cpu: "4" },
        placement: {
          antiAffinity: AntiAffinity.Preferred,
          tolerations: [{ key: "t", operator: TolerationOperator.Exists }],
        },
        spread: false,
        env: [{ name: "A", value: "1" }],
        secrets: [{ variable: "TOKEN", secret: "keys", key: "token" }],
        poolSize: 2,
      },
    ]);
    assert.deepEqual(environmentArguments({}), []);
    const poolAutoscaling = { min: 0, max: 9, targetUtilization: 50, scaleDownSeconds: 60 };
    const [following] = environmentArguments(parse("environments", [{ name: "a", poolAutoscaling }]));
    assert.deepEqual(following?.poolAutoscaling, poolAutoscaling);
  });

  it("are refused where parts do not go together", () => {
    refused([{ name: "a" }, { name: "a" }], /environments\[1\]\.name .*an earlier environment has that name/);
    refused([{ name: "a", image: "x/y:1", build: {} }], /environments\[0\]\.image .*build makes the image/);
    refused(
      [{ name: "a", repository: "r.example.com/t" }],
      /environments\[0\]\.repository .*nothing is built/,
    );
    refused(
      [{ name: "a", poolSize: 2, poolAutoscaling: { max: 3 } }],
      /environments\[0\]\.poolSize .*poolAutoscaling says how many: remove one of the two/,
    );
    refused([{ name: "a", build: {} }], /environments\[0\]\.repository .*name a repository to push to/, {
      target: { kind: "render", directory: "out" },
    });
  });

  it("are refused with a package of no exact version, or a setting that there is not", () => {
    refused(
      [{ name: "a", build: { pip: ["numpy"] } }],
      /pip\[0\] is "numpy"; allowed: a package with its exact version/,
    );
    refused(
      [{ name: "a", build: { apt: ["git"] } }],
      /apt\[0\] is "git"; allowed: a package with its exact version/,
    );
    refused([{ name: "a", pools: 1 }], /environments\[0\]\.pools is not a setting/);
    refused(
      [{ name: "a", poolAutoscaling: { max: 2, targetUtilization: 0 } }],
      /environments\[0\]\.poolAutoscaling\.targetUtilization is 0; allowed: an integer from 1 to 99/,
    );
  });
});

describe("sandlot:observability", () => {
  it("is off unless it is enabled", () => {
    assert.equal(observabilityArguments({}), undefined);
    assert.equal(observabilityArguments(parse("observability", { prometheusOperator: true })), undefined);
    assert.deepEqual(observabilityArguments(parse("observability", { enabled: true })), {});
  });

  it("becomes the component's arguments", () => {
    const given = {
      prometheusOperator: true,
      operatorLabels: { release: "stack" },
      scraper: { podLabels: { app: "vmagent" } },
      scrapeIntervalSeconds: 15,
      runbookUrl: "https://git.example.com/runbooks",
    };
    assert.deepEqual(observabilityArguments(parse("observability", { enabled: true, ...given })), given);
  });
});
