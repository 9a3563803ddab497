// Watching sandboxes: bad arguments, the objects' security, alerts with their pages, the dashboard's shape.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { resolve as path } from "node:path";

import type { ObservabilityArgs } from "@sandlot/components";

import { alerts, ruleGroups, runbookPath } from "../../../components/observability/alerts";
import { dashboard } from "../../../components/observability/dashboard";
import {
  metricsPolicy,
  metricsPort,
  metricsService,
  monitorSpec,
} from "../../../components/observability/objects";
import { resolve } from "../../../components/observability/resolve";
import { refuses } from "../../support/refuses";

const root = path(__dirname, "../../..");
const given: ObservabilityArgs = { namespace: "sandlot" };

refuses<ObservabilityArgs>("Observability", resolve, given, [
  [{ namespace: "Sand Lot" }, /namespace is "Sand Lot"/],
  [{ scraper: { podLabels: {} } }, /scraper\.podLabels is \{\}, but must be at least one label/],
  [{ scraper: { namespaceLabels: {} } }, /scraper\.namespaceLabels is \{\}, but must be at least one label/],
  [{ dashboardLabels: {} }, /dashboardLabels is \{\}, but must be at least one label/],
  [{ prometheusOperator: true, operatorLabels: { "a b": "c" } }, /operatorLabels .*"a b" is no label key/],
  [{ operatorLabels: { release: "x" } }, /operatorLabels is given, but prometheusOperator is false/],
  [{ scrapeIntervalSeconds: 15 }, /scrapeIntervalSeconds is given, but prometheusOperator is false/],
  [
    { prometheusOperator: true, scrapeIntervalSeconds: 1 },
    /scrapeIntervalSeconds is 1, but must be a number of seconds/,
  ],
  [{ runbookUrl: "docs/runbooks" }, /runbookUrl is "docs\/runbooks", but must be an http or https address/],
  [{ runbookUrl: "https://x.example/{{ a }}" }, /runbookUrl is/],
  [{ runbookUrl: "https://x.example/runbooks/" }, /does not end in \//],
]);

describe("Observability's objects", () => {
  const settings = resolve("watch", given);
  const operated = resolve("watch", { ...given, prometheusOperator: true, scrapeIntervalSeconds: 5 });

  it("let in the scraper alone, by pod and namespace, to the metrics port alone", () => {
    const { spec } = metricsPolicy(settings) as unknown as { spec: Record<string, unknown> };
    assert.deepEqual(spec["ingress"], [
      {
        from: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
            podSelector: { matchLabels: { "app.kubernetes.io/name": "prometheus" } },
          },
        ],
        ports: [{ protocol: "TCP", port: 9464 }],
      },
    ]);
    assert.deepEqual(spec["policyTypes"], ["Ingress"]);
    assert.notEqual(metricsPort, 8080);
  });

  it("are found by annotations without the operator, and by it alone with it", () => {
    const annotations = (each: typeof settings) =>
      (metricsService(each).metadata as { annotations: Record<string, string> }).annotations;
    assert.equal(annotations(settings)["prometheus.io/scrape"], "true");
    assert.equal(annotations(settings)["prometheus.io/port"], "9464");
    assert.deepEqual(Object.keys(annotations(operated)), ["pulumi.com/skipAwait"]);
  });

  it("bound what a sandbox that lies can send", () => {
    const spec = monitorSpec("sandlot", operated);
    assert.ok(spec.sampleLimit > 0 && spec.labelLimit > 0 && spec.labelValueLengthLimit > 0);
    assert.deepEqual(
      spec.endpoints.map(({ honorLabels, scrapeTimeout }) => ({ honorLabels, scrapeTimeout })),
      [{ honorLabels: false, scrapeTimeout: "5s" }],
    );
    assert.deepEqual(spec.namespaceSelector, { matchNames: ["sandlot"] });
  });
});

describe("runbooks", () => {
  const pages = readdirSync(path(root, "docs/runbooks")).sort();

  it("are one page for each alert, and no page without one", () => {
    assert.deepEqual(pages, alerts.map(({ name }) => `${name}.md`).sort());
  });

  for (const { name, severity, after } of alerts) {
    it(`${name}: says what it means, harms, how to look and what to do; the table of alerts has it`, () => {
      const page = readFileSync(path(root, runbookPath(name)), "utf8");
      const headings = page.split("\n").filter((line) => line.startsWith("#"));
      assert.deepEqual(headings, [`# ${name}`, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]);
      const table = readFileSync(path(root, "docs/observability.md"), "utf8");
      const row = table.split("\n").find((line) => line.startsWith(`| [${name}](runbooks/${name}.md)`));
      const [, , inTable, since] = (row ?? "").split("|").map((cell) => cell.trim());
      assert.deepEqual([inTable, since], [severity, after]);
    });
  }

  it("are what the rules name", () => {
    for (const { alert, annotations } of ruleGroups().groups.flatMap(({ rules }) => rules)) {
      assert.equal((annotations as { runbook?: string }).runbook, `docs/runbooks/${alert}.md`);
    }
  });
});

describe("docs/observability.md", () => {
  it("lists every metric that the server writes, and no other", () => {
    const document = readFileSync(path(root, "docs/observability.md"), "utf8");
    const section = /## Metrics\n(.*?)\n## /s.exec(document)?.[1] ?? "";
    const names = /`((?:sandboxd|process|go)_\w+)`/g;
    const listed = new Set([...section.matchAll(names)].map(([, name]) => name));
    const folder = path(root, "sandboxd/internal/metrics");
    const source = ["exposition.go", "process.go"]
      .map((file) => readFileSync(path(folder, file), "utf8"))
      .join("\n");
    const written = new Set([...source.matchAll(/"((?:sandboxd|process|go)_\w+)"/g)].map(([, name]) => name));
    assert.deepEqual([...listed].sort(), [...written].sort());
  });
});

describe("the dashboard", () => {
  it("has panels with ids of their own, side by side, each with a query", () => {
    const { panels } = dashboard();
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
    const taken = new Set<string>();
    for (const { gridPos, type, ...panel } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(x < 24 && !taken.has(`${x},${y}`), `${panel.title} overlaps at ${x},${y}`);
          taken.add(`${x},${y}`);
        }
      }
      if (type !== "row") assert.ok("targets" in panel && panel.targets.length > 0, panel.title);
    }
  });
});
