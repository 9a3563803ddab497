// Stack configuration: good files are taken as they are, and every mistake is named in one sentence.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parse } from "yaml";

import { ConfigError, parseConfig } from "../../../infra/config/load";
import { stackFileSchema } from "../../../infra/config/json-schema";
import { badConfiguration } from "../../support/bad-configuration";

const stacks = resolve(__dirname, "../../../stacks");

/** Configuration as the engine hands it over. */
function entries(config: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.includes(":") ? key : `sandlot:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

describe("stack configuration", () => {
  it("may be empty, and leaves other namespaces alone", () => {
    assert.deepEqual(parseConfig({}), {});
    assert.deepEqual(parseConfig({ "kubernetes:context": "x" }), {});
  });

  for (const file of readdirSync(stacks).filter((name) => name.endsWith(".yaml"))) {
    it(`${file} is valid`, () => {
      const { config } = parse(readFileSync(join(stacks, file), "utf8")) as {
        config: Record<string, unknown>;
      };
      assert.ok(Object.keys(parseConfig(entries(config))).length > 0);
    });
  }

  // A folder that is missing is found by looking, not by parsing; the program's graph test covers it.
  for (const { title, config, says } of badConfiguration.filter(
    (bad) => !bad.title.includes("folder that is missing"),
  )) {
    it(`${title}: one clear error`, () => {
      assert.throws(
        () => parseConfig(entries(config)),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.equal(error.problems.length, 1, error.message);
          for (const text of says)
            assert.ok(error.message.includes(text), `${error.message}\nlacks: ${text}`);
          return true;
        },
      );
    });
  }

  it("takes a day with and without quotes, which the engine hands over as a time of Go's", () => {
    for (const until of ["2027-01-31", "2027-01-31 00:00:00 +0000 UTC"]) {
      const imageScan = { accepted: [{ id: "CVE-2026-1", reason: "x", until }] };
      assert.equal(parseConfig(entries({ imageScan })).imageScan?.accepted?.[0]?.until, "2027-01-31");
    }
  });

  it("names every mistake at once", () => {
    const wrong = entries({ cluster: { apiPort: 0, cpus: 1 }, sandbox: { replicas: -1 } });
    assert.throws(
      () => parseConfig(wrong),
      (error) => error instanceof ConfigError && error.problems.length === 3,
    );
  });

  it("has a JSON Schema for editors, committed as stacks/schema.json (npm run schema)", () => {
    const committed = JSON.parse(readFileSync(join(stacks, "schema.json"), "utf8")) as unknown;
    assert.deepEqual(committed, JSON.parse(JSON.stringify(stackFileSchema())));
  });
});
