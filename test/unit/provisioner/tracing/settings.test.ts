// The variables of traces: read, refused by name, and nothing loaded where they say that there is no collector.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { SettingsError } from "../../../../provisioner/src/config/errors.js";
import { readSettings } from "../../../../provisioner/src/config/settings.js";
import { collectorOf } from "../../../../provisioner/src/tracing/index.js";

const read = (more: Record<string, string>) =>
  readSettings({ PROVISIONER_API_KEY: "0123456789abcdef-key", ...more });

const endpoint = "http://collector:4318";

describe("the variables of traces", () => {
  for (const [what, given, collector] of [
    ["nothing", {}, undefined],
    ["an endpoint", { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, `${endpoint}/v1/traces`],
    ["one with a path", { OTEL_EXPORTER_OTLP_ENDPOINT: `${endpoint}/otlp/` }, `${endpoint}/otlp/v1/traces`],
    ["a whole address", { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/x` }, `${endpoint}/x`],
    [
      "both",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://other", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/x` },
      `${endpoint}/x`,
    ],
    ["off", { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: "true" }, undefined],
    ["none", { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_EXPORTER: "none" }, undefined],
  ] as const)
    it(`lead with ${what} to ${collector ?? "no collector"}`, () => {
      assert.equal(collectorOf(read(given)), collector);
    });

  it("are refused by name, all in one error", () => {
    const wrong: Record<string, string> = {
      OTEL_SDK_DISABLED: "perhaps",
      OTEL_TRACES_EXPORTER: "zipkin",
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "grpc://collector:4317",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_HEADERS: "no pair",
      OTEL_RESOURCE_ATTRIBUTES: "name=%zz",
      OTEL_TRACES_SAMPLER: "some",
      OTEL_TRACES_SAMPLER_ARG: "1.5",
    };
    assert.throws(
      () => read(wrong),
      (error) => {
        assert.ok(error instanceof SettingsError);
        for (const name of Object.keys(wrong))
          assert.equal(
            error.problems.filter((each) => each.startsWith(`${name} is `)).length,
            1,
            `${name}: ${error.problems.join("\n")}`,
          );
        return true;
      },
    );
  });

  it("are not shown where they may hold a secret", () => {
    const wrong = {
      OTEL_EXPORTER_OTLP_HEADERS: "authorization: Bearer hunter2",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://me:hunter2@collector:4318",
    };
    assert.throws(
      () => read(wrong),
      (error) =>
        error instanceof SettingsError &&
        error.problems.length === 2 &&
        error.problems.every((each) => each.includes("(not shown)") && !each.includes("hunter2")),
    );
  });

  it("load nothing of the SDK where there is no collector", async function () {
    this.timeout(180_000);
    const program = `
      import { createRequire } from "node:module";
      const { cache } = createRequire("/");
      const loaded = () => Object.keys(cache).filter((path) => /@opentelemetry.(?!api.)/.test(path)).length;
      const { startTracing } = await import("./provisioner/src/tracing/index.ts");
      const { readSettings } = await import("./provisioner/src/config/settings.ts");
      await import("./provisioner/src/provisioner.ts");
      const start = (more) =>
        startTracing(readSettings({ PROVISIONER_API_KEY: "0123456789abcdef-key", ...more }), { version: "1", instance: "i" }, { info() {} });
      const counts = [];
      await start({});
      counts.push(loaded());
      const tracing = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
      counts.push(loaded());
      await tracing.stop();
      console.log(JSON.stringify(counts));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...["--import", "tsx", "--input-type=module", "--eval", program],
    ]);
    const [without, withCollector] = JSON.parse(stdout) as [number, number];
    assert.equal(without, 0);
    // The count tells something: it sees the SDK once it is there.
    assert.ok(withCollector > 10, `${withCollector} files`);
  });
});
