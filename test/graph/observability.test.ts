// What watching registers, alone and as a part of the platform.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import {
  Observability,
  SandboxPlatform,
  type ObservabilityOptions,
  type SandboxPlatformArgs,
} from "@sandlot/components";

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
  const platform = (
    observability?: ObservabilityOptions,
    more: Partial<SandboxPlatformArgs> = {},
  ): Promise<Graph> =>
    record(() => {
      const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
      const args = { image: "sandlot/sandbox:1.0.0", observability, ...more };
      new SandboxPlatform("sandlot", args, { provider });
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

  const provisioner = { image: "sandlot/provisioner:1.0.0", generateKeys: true };
  const dataOf = (graph: Graph, part: string) =>
    (graph.get(`sandlot-observability-${part}`).inputs as { data: Record<string, string> }).data;
  const groupsOf = (graph: Graph): string[] =>
    (
      JSON.parse(dataOf(graph, "rules")["sandlot.rules.yaml"] ?? "") as { groups: { name: string }[] }
    ).groups.map(({ name }) => name);

  it("brings alerts and dashboards of what there is, and of nothing else", async () => {
    const bare = await platform({});
    assert.deepEqual(groupsOf(bare), ["sandlot-sandboxes"]);
    assert.deepEqual(Object.keys(dataOf(bare, "dashboard")), ["sandlot-sandboxes.json"]);
    const served = await platform({}, { provisioner });
    assert.deepEqual(groupsOf(served), ["sandlot-sandboxes", "sandlot-provisioner"]);
    const whole = await platform({}, { provisioner, egressProxy: {} });
    assert.deepEqual(groupsOf(whole), ["sandlot-sandboxes", "sandlot-provisioner", "sandlot-egress-proxy"]);
    assert.deepEqual(Object.keys(dataOf(whole, "dashboard")).sort(), [
      "sandlot-egress-proxy.json",
      "sandlot-provisioner.json",
      "sandlot-sandboxes.json",
    ]);
  });

  it("fits in the ConfigMaps that hold it", async () => {
    const whole = await platform({}, { provisioner, egressProxy: {} });
    // An object of the API server has at most about a mebibyte, its last applied form in an annotation a quarter of that.
    for (const part of ["rules", "dashboard"])
      assert.ok(JSON.stringify(dataOf(whole, part)).length < 200_000, part);
  });

  it("opens the egress proxy's port of health and metrics to the scraper, and to nobody else", async () => {
    const whole = await platform(
      { scraper: { namespaceLabels: { team: "watch" }, podLabels: { app: "prometheus" } } },
      { provisioner, egressProxy: {} },
    );
    interface Rule {
      from: object[];
      ports: { port: number }[];
    }
    const rules = whole
      .childrenOf(whole.get("sandlot-egress-proxy"))
      .filter(({ type }) => type.endsWith("NetworkPolicy"))
      .map(
        ({ inputs }) => inputs as unknown as { metadata: { namespace: string }; spec: { ingress?: Rule[] } },
      )
      .filter(({ metadata }) => metadata.namespace === "sandlot-system")
      .flatMap(({ spec }) => spec.ingress ?? []);
    assert.deepEqual(
      rules.filter(({ ports }) => ports.some(({ port }) => port === 8081)),
      [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { team: "watch" } },
              podSelector: { matchLabels: { app: "prometheus" } },
            },
          ],
          ports: [{ protocol: "TCP", port: 8081 }],
        },
      ],
    );
    assert.equal(rules.length, 2, "sandboxes, and the scraper");
    const plain = await platform(undefined, { provisioner, egressProxy: {} });
    assert.ok(!plain.has("sandlot-egress-proxy-scraper") && !plain.has("sandlot-egress-proxy-metrics"));
  });

  it("finds the egress proxy by annotations of a Service beside its own, or by a ServiceMonitor", async () => {
    interface Service {
      metadata: { labels: Record<string, string>; annotations: Record<string, string> };
      spec: { selector: object; ports: { port: number }[] };
    }
    const serviceOf = (graph: Graph, name: string) =>
      graph.get(`sandlot-egress-proxy-${name}`).inputs as unknown as Service;
    const annotated = await platform({}, { provisioner, egressProxy: {} });
    const { metadata, spec } = serviceOf(annotated, "metrics");
    assert.equal(metadata.annotations["prometheus.io/scrape"], "true");
    assert.equal(metadata.annotations["prometheus.io/port"], "8081");
    assert.deepEqual(
      spec.ports.map(({ port }) => port),
      [8081],
    );
    assert.deepEqual(spec.selector, serviceOf(annotated, "service").spec.selector);
    // The Service that sandboxes use has the proxy's port alone, and is not scraped.
    const own = serviceOf(annotated, "service");
    assert.deepEqual(
      own.spec.ports.map(({ port }) => port),
      [3128],
    );
    assert.ok(!("prometheus.io/scrape" in own.metadata.annotations));
    assert.ok(!annotated.has("sandlot-egress-proxy-monitor"));

    const operated = await platform(
      { prometheusOperator: true, operatorLabels: { release: "stack" } },
      { provisioner, egressProxy: {} },
    );
    assert.ok(!("prometheus.io/scrape" in serviceOf(operated, "metrics").metadata.annotations));
    const monitor = operated.get("sandlot-egress-proxy-monitor").inputs as unknown as {
      metadata: { namespace: string; labels: Record<string, string> };
      spec: { selector: { matchLabels: Record<string, string> }; namespaceSelector: object };
    };
    assert.equal(monitor.metadata.labels["release"], "stack");
    assert.equal(monitor.metadata.namespace, "sandlot-system");
    assert.deepEqual(monitor.spec.selector.matchLabels, serviceOf(operated, "metrics").metadata.labels);
    assert.notDeepEqual(monitor.spec.selector.matchLabels, serviceOf(operated, "service").metadata.labels);
    assert.deepEqual(monitor.spec.namespaceSelector, { matchNames: ["sandlot-system"] });
  });
});
