// What watching the sandboxes can be told: arguments and their defaults. What is wrong with given ones: ./resolve.ts.
import type * as pulumi from "@pulumi/pulumi";

/** Whose pods may read the sandboxes' metrics. Both kinds of labels must fit. */
export interface MetricsScraper {
  /**
   * Labels of the scraper's namespace.
   * @default { "kubernetes.io/metadata.name": "monitoring" }
   */
  namespaceLabels?: { [name: string]: string };
  /**
   * Labels of the scraper's pods.
   * @default { "app.kubernetes.io/name": "prometheus" }
   */
  podLabels?: { [name: string]: string };
}

/** Options of {@link Observability} beside where to put it. */
export interface ObservabilityOptions {
  /**
   * Whether the cluster has the Prometheus operator's kinds (`ServiceMonitor` and `PrometheusRule` of
   * `monitoring.coreos.com/v1`). If so, scraping and alerts are objects of these kinds. If not, the metrics Service carries the
   * `prometheus.io` annotations, and the alert rules are a file in a ConfigMap. A preview cannot ask a cluster that is yet to be
   * made, so it is said here.
   * @default false
   */
  prometheusOperator?: boolean;
  /**
   * Labels on `ServiceMonitor` and `PrometheusRule` by which a Prometheus finds them, such as
   * `{ release: "kube-prometheus-stack" }`; only with `prometheusOperator`.
   * @default {}
   */
  operatorLabels?: { [name: string]: string };
  /** Whose pods may read the metrics. See the fields for their defaults. */
  scraper?: MetricsScraper;
  /**
   * Seconds between scrapes, 5 to 300; only with `prometheusOperator`. Elsewhere the scraper's own configuration says it.
   * @default 30
   */
  scrapeIntervalSeconds?: number;
  /**
   * Labels by which Grafana's sidecar finds the ConfigMap with the dashboards.
   * @default { grafana_dashboard: "1" }
   */
  dashboardLabels?: { [name: string]: string };
  /**
   * The address of the folder with the runbook pages (docs/runbooks), such as
   * `https://git.example.com/platform/sandlot/blob/main/docs/runbooks`; alerts then carry `runbook_url`.
   * @default - alerts name the page's path in this repository, as `runbook`
   */
  runbookUrl?: string;
}

/** Arguments of {@link Observability}. */
export interface ObservabilityArgs extends ObservabilityOptions {
  /** The namespace of the sandboxes. */
  namespace: pulumi.Input<string>;
  /**
   * Whether there are shared sandboxes, whose alerts come along then.
   * @default true
   */
  sharedSandboxes?: boolean;
  /**
   * Whether there is a provisioner, whose alerts and dashboard come along then.
   * @default false
   */
  provisioner?: boolean;
  /**
   * Whether there is an egress proxy, whose alerts and dashboard come along then.
   * @default false
   */
  egressProxy?: boolean;
}
