// How a scraper finds a service beside sandboxes, such as the provisioner: a Service of its own, so that nobody else is led to that port.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import { operatorApi } from "../observability/objects";
import { commonLabels } from "../shared/labels";
import type { ProvisionerMetrics } from "./args";

/** What is scraped. */
export interface Scraped {
  /** The service's name; that of its metrics ends in `-metrics`. */
  readonly service: string;
  readonly namespace: pulumi.Input<string>;
  /** Its pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly port: number;
  /** The name of that port in the pods. */
  readonly portName: string;
}

/** The Service, and the ServiceMonitor where there is an operator. */
export function scraping(
  name: string,
  scraped: Scraped,
  metrics: ProvisionerMetrics,
  parent: pulumi.Resource,
): void {
  new k8s.core.v1.Service(`${name}-metrics`, metricsServiceArgs(scraped, metrics), { parent });
  if (!metrics.prometheusOperator) return;
  new k8s.apiextensions.CustomResource(`${name}-monitor`, monitorArgs(scraped, metrics), { parent });
}

function metricsServiceArgs(
  { service, namespace, selector, port, portName }: Scraped,
  { prometheusOperator }: ProvisionerMetrics,
): k8s.core.v1.ServiceArgs {
  const annotations = {
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(port),
    "prometheus.io/path": "/metrics",
  };
  const name = `${service}-metrics`;
  return {
    metadata: {
      ...{ name, namespace, labels: commonLabels(name) },
      // Its pods' Deployment is waited for; the Service has nothing more to wait for.
      annotations: { ...(prometheusOperator ? {} : annotations), "pulumi.com/skipAwait": "true" },
    },
    spec: {
      type: "ClusterIP",
      selector: { ...selector },
      ports: [{ name: "metrics", port, targetPort: portName, protocol: "TCP" }],
    },
  };
}

function monitorArgs(
  { service, namespace }: Scraped,
  { operatorLabels, scrapeIntervalSeconds }: ProvisionerMetrics,
) {
  const name = `${service}-metrics`;
  const labels = commonLabels(name);
  return {
    apiVersion: operatorApi,
    kind: "ServiceMonitor",
    metadata: { name, namespace, labels: { ...operatorLabels, ...labels } },
    spec: pulumi.output(namespace).apply((known) => ({
      selector: { matchLabels: labels },
      namespaceSelector: { matchNames: [known] },
      endpoints: [
        {
          port: "metrics",
          path: "/metrics",
          interval: `${scrapeIntervalSeconds}s`,
          scrapeTimeout: `${Math.min(10, scrapeIntervalSeconds)}s`,
        },
      ],
    })),
  };
}
