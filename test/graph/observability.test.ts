// What watching registers, alone and as a part of the platform.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import { Observability, SandboxPlatform, type ObservabilityOptions } from "@sandlot/components";

import { record, recordFailure, type Graph } from "../support/graph";

const watch = (options: ObservabilityOptions = {}): Promise<Graph> =>
  record(() => new Observability("watch", { namespace: "sandlot", ...options }));

const registered = (graph: Graph): string[] =>
  graph
    .childrenOf(graph.get("watch"))
    .map(({ name, type }) => `${name} ${type.split(":").at(-1) ?? ""}`)
    .sort();

describe("Observability's graph", () => {
  it("without the operator: annotations and a rules file", async () => {
    const graph = await watch();
    assert.deepEqual(registered(graph), [
      "watch-dashboard ConfigMap",
      "watch-rules ConfigMap",
      "watch-scraper NetworkPolicy",
      "watch-service Service",
    ]);
    assert.deepEqual(graph.get("watch").registered, [
      {
        discovery: "annotations",
        alertRules: "ConfigMap/sandbox-alert-rules",
        dashboardConfigMap: "sandbox-dashboard",
      },
    ]);
    const { data } = graph.get("watch-rules").inputs as { data: Record<string, string> };
    const rules = JSON.parse(data["sandlot.rules.yaml"] ?? "") as { groups: { rules: object[] }[] };
    assert.ok((rules.groups[0]?.rules.length ?? 0) > 5);
  });

  it("with the operator: its own kinds, with the labels that Prometheus selects by", async () => {
    const graph = await watch({ prometheusOperator: true, operatorLabels: { release: "stack" } });
    assert.deepEqual(registered(graph), [
      "watch-dashboard ConfigMap",
      "watch-monitor ServiceMonitor",
      "watch-rules PrometheusRule",
      "watch-scraper NetworkPolicy",
      "watch-service Service",
    ]);
    for (const name of ["watch-monitor", "watch-rules"]) {
      const { metadata } = graph.get(name).inputs as { metadata: { labels: Record<string, string> } };
      assert.equal(metadata.labels["release"], "stack");
    }
    const service = graph.get("watch-service").inputs as { metadata: { labels: Record<string, string> } };
    const monitor = graph.get("watch-monitor").inputs as { spec: { selector: { matchLabels: object } } };
    assert.deepEqual(monitor.spec.selector.matchLabels, service.metadata.labels);
    assert.equal(graph.get("watch").registered[0]?.["discovery"], "ServiceMonitor");
  });

  it("gives the dashboard the label that Grafana's sidecar looks for", async () => {
    const { metadata, data } = (await watch()).get("watch-dashboard").inputs as {
      metadata: { labels: Record<string, string> };
      data: Record<string, string>;
    };
    assert.equal(metadata.labels["grafana_dashboard"], "1");
    assert.equal(
      (JSON.parse(data["sandlot-sandboxes.json"] ?? "") as { uid: string }).uid,
      "sandlot-sandboxes",
    );
  });

  it("registers nothing when an argument is bad", async () => {
    const { graph } = await recordFailure(() => new Observability("watch", { namespace: "no namespace" }));
    assert.deepEqual(graph.names(), []);
  });
});

describe("SandboxPlatform, watched", () => {
  const platform = (observability?: ObservabilityOptions): Promise<Graph> =>
    record(() => {
      const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
      new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", observability }, { provider });
    });
  const variables = (graph: Graph): string[] => {
    const { spec } = graph.get("sandlot-sandbox-deployment").inputs as {
      spec: { template: { spec: { containers: { env: { name: string }[] }[] } } };
    };
    return spec.template.spec.containers[0]?.env.map(({ name }) => name) ?? [];
  };

  it("has its sandboxes serve metrics, and only then", async () => {
    const watched = await platform({});
    assert.ok(variables(watched).includes("SANDBOXD_METRICS_ADDRESS"));
    assert.ok(watched.has("sandlot-observability"));
    const plain = await platform();
    assert.ok(!variables(plain).includes("SANDBOXD_METRICS_ADDRESS"));
    assert.ok(!plain.has("sandlot-observability"));
  });

  it("does not let the scraper call sandboxes", async () => {
    const clients = (await platform({})).get("sandlot-network-clients");
    assert.doesNotMatch(JSON.stringify(clients.inputs), /monitoring|prometheus/);
  });
});
