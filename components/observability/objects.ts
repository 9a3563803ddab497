// The objects of watching, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { commonLabels, sandboxSelector } from "../shared/labels";
import { dashboard, dashboardsOf } from "./dashboard";
import type { ObservabilitySettings } from "./resolve";
import { ruleGroups } from "./rules";

/** The API of the Prometheus operator's kinds. */
export const operatorApi = "monitoring.coreos.com/v1";

/** The port of the metrics: not the API's, so that who may read numbers need not be allowed to run commands. */
export const metricsPort = 9464;

/** The name of that port in the Service. */
export const metricsPortName = "metrics";

/** The environment variable by which a sandbox serves its metrics at all. */
export const metricsVariable = { name: "SANDBOXD_METRICS_ADDRESS", value: `:${metricsPort}` };

/** Labels by which the Service is found. */
export const metricsLabels = commonLabels("sandbox-metrics");

/** The name of Service, ServiceMonitor and NetworkPolicy. */
export const metricsName = "sandbox-metrics";

/**
 * The Service that lists the sandboxes' metrics ports. Scrapers read its endpoints and call each pod; the Service's own
 * address is of no use. It has one all the same, as a headless Service would publish the pods' addresses by DNS.
 */
export function metricsService(settings: ObservabilitySettings): k8s.core.v1.ServiceArgs {
  const scrape = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(metricsPort),
    "prometheus.io/path": "/metrics",
  };
  return {
    metadata: {
      name: metricsName,
      namespace: settings.namespace,
      labels: metricsLabels,
      annotations: {
        ...(settings.prometheusOperator ? {} : scrape),
        // Without sandboxes it has no endpoints, and would be waited for in vain.
        "pulumi.com/skipAwait": "true",
      },
    },
    spec: {
      type: "ClusterIP",
      // Those of the shared sandbox: sandboxes of the provisioner serve no metrics, and would be missed in vain.
      selector: { ...sandboxSelector, "app.kubernetes.io/managed-by": "pulumi" },
      ports: [{ name: metricsPortName, port: metricsPort, targetPort: metricsPort, protocol: "TCP" }],
    },
  };
}

/** Lets the scraper's pods through to the metrics port of sandboxes, and to nothing else. */
export function metricsPolicy(settings: ObservabilitySettings): k8s.networking.v1.NetworkPolicyArgs {
  const { namespaceLabels, podLabels } = settings.scraper;
  const scraper = {
    namespaceSelector: { matchLabels: namespaceLabels },
    podSelector: { matchLabels: podLabels },
  };
  return {
    metadata: { name: metricsName, namespace: settings.namespace, labels: metricsLabels },
    spec: {
      podSelector: { matchLabels: { ...sandboxSelector } },
      policyTypes: ["Ingress"],
      ingress: [{ from: [scraper], ports: [{ protocol: "TCP", port: metricsPort }] }],
    },
  };
}

/**
 * What a `ServiceMonitor` asks for. The limits are there because what runs in a sandbox may have taken over its server: it can
 * then lie about itself, but neither under another's name nor with so many series that Prometheus suffers.
 */
export function monitorSpec(namespace: string, { scrapeIntervalSeconds }: ObservabilitySettings) {
  return {
    selector: { matchLabels: metricsLabels },
    namespaceSelector: { matchNames: [namespace] },
    endpoints: [
      {
        port: metricsPortName,
        path: "/metrics",
        interval: `${scrapeIntervalSeconds}s`,
        scrapeTimeout: `${Math.min(10, scrapeIntervalSeconds)}s`,
        honorLabels: false,
        honorTimestamps: false,
        // What a sandbox says of others is not kept: its word could hide that the provisioner is gone.
        metricRelabelings: [
          { sourceLabels: ["__name__"], regex: "(sandboxd|process|go)_.*", action: "keep" },
        ],
      },
    ],
    sampleLimit: 2000,
    labelLimit: 40,
    labelNameLengthLimit: 128,
    labelValueLengthLimit: 512,
  };
}

/** The rules as a file: JSON, which is YAML too. */
export function rulesFile(settings: ObservabilitySettings): string {
  return `${JSON.stringify(ruleGroups(settings, settings.runbookUrl), null, 2)}\n`;
}

/** The dashboards as files. */
export function dashboardFiles(settings: ObservabilitySettings): Record<string, string> {
  const files = dashboardsOf(settings).map((each): [string, string] => [
    `${each.uid}.json`,
    `${JSON.stringify(dashboard(each), null, 2)}\n`,
  ]);
  return Object.fromEntries(files);
}
