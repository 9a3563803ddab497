// Watching sandboxes: bad arguments, the objects' security, alerts with their pages, the dashboard's shape.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { resolve as path } from "node:path";

import type { ObservabilityArgs } from "@sandlot/components";

import { dashboard, dashboardsOf } from "../../../components/observability/dashboard";
import {
  metricsPolicy,
  metricsPort,
  metricsService,
  monitorSpec,
} from "../../../components/observability/objects";
import { resolve } from "../../../components/observability/resolve";
import { alertsOf, ruleGroups, runbookPath } from "../../../components/observability/rules";
import { refuses } from "../../support/refuses";

const root = path(__dirname, "../../..");
const all = { sharedSandboxes: true, provisioner: true, egressProxy: true };
const alerts = alertsOf(all);
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
    // What others export would be believed to be theirs.
    const [kept] = spec.endpoints[0]?.metricRelabelings ?? [];
    const pattern = new RegExp(`^(?:${kept?.regex ?? ""})$`);
    assert.deepEqual([kept?.action, kept?.sourceLabels], ["keep", ["__name__"]]);
    assert.ok(pattern.test("sandboxd_build_info") && pattern.test("process_open_fds"));
    assert.ok(!pattern.test("sandlot_provisioner_leader") && !pattern.test("sandlot_egress_current"));
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
    for (const { alert, annotations } of ruleGroups(all).groups.flatMap(({ rules }) => rules)) {
      assert.equal((annotations as { runbook?: string }).runbook, `docs/runbooks/${alert}.md`);
    }
  });
});

/** All TypeScript of a folder. */
function sourceOf(folder: string): string {
  return readdirSync(path(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(path(root, folder, file), "utf8"))
    .join("\n");
}

describe("docs/observability.md", () => {
  const document = readFileSync(path(root, "docs/observability.md"), "utf8");
  const section = /## Metrics\n(.*?)\n## /s.exec(document)?.[1] ?? "";
  const listed = (names: RegExp): string[] =>
    [...new Set([...section.matchAll(names)].map(([, name = ""]) => name))].sort();
  const written = (source: string, names: RegExp): string[] =>
    [...new Set([...source.matchAll(names)].map(([, name = ""]) => name))].sort();
  const services = written(sourceOf("provisioner/src"), /"(sandlot_(?:provisioner|router|egress)_\w+)"/g);

  it("lists every metric that the sandboxes' server writes, and no other", () => {
    const folder = path(root, "sandboxd/internal/metrics");
    const source = ["exposition.go", "process.go"]
      .map((file) => readFileSync(path(folder, file), "utf8"))
      .join("\n");
    assert.deepEqual(
      listed(/`((?:sandboxd|process|go)_\w+)`/g),
      written(source, /"((?:sandboxd|process|go)_\w+)"/g),
    );
  });

  it("lists every metric of the provisioner and the egress proxy, and no other", () => {
    assert.ok(services.length > 20);
    assert.deepEqual(listed(/`(sandlot_\w+)`/g), services);
  });

  it("lists what alerts and dashboards go by", () => {
    const queries = [
      ...alerts.map(({ expr }) => expr),
      ...dashboardsOf(all).flatMap(({ rows }) =>
        rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr))),
      ),
    ].join("\n");
    for (const [name] of queries.matchAll(/\bsandlot_\w+/g))
      assert.ok(services.includes(name.replace(/_(?:bucket|count)$/, "")), name);
  });

  it("names every dashboard", () => {
    for (const { title, uid } of dashboardsOf(all)) {
      assert.ok(document.includes(`\`${title}\``), title);
      assert.ok(document.includes(`\`${uid}.json\``), uid);
    }
  });
});

for (const { title, ...which } of dashboardsOf(all)) {
  describe(`the dashboard ${title}`, () => {
    it("has panels with ids of their own, side by side, each with a query", () => {
      const { panels } = dashboard({ title, ...which });
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
}
