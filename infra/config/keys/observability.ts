// sandlot:observability: how sandboxes are watched.
import { z } from "zod";

import { count, field, flag, labels, object } from "../values";

export const observability = object(
  {
    enabled: flag(
      "Whether sandboxes serve metrics, and whether scraping, alert rules and a dashboard are set up. Default: false",
    ).optional(),
    prometheusOperator: flag(
      "Whether the cluster has ServiceMonitor and PrometheusRule of monitoring.coreos.com/v1; if not, scraping is by prometheus.io annotations and the rules are a file in a ConfigMap. Default: false",
    ).optional(),
    operatorLabels: labels(
      "Labels by which a Prometheus finds ServiceMonitor and PrometheusRule; only with prometheusOperator",
    ).optional(),
    scraper: object(
      {
        namespaceLabels: labels(
          "Labels of the scraper's namespace. Default: kubernetes.io/metadata.name=monitoring",
        ).optional(),
        podLabels: labels(
          "Labels of the scraper's pods. Default: app.kubernetes.io/name=prometheus",
        ).optional(),
      },
      "Whose pods may read the metrics",
    ).optional(),
    scrapeIntervalSeconds: count(
      "Seconds between scrapes; only with prometheusOperator. Default: 30",
      5,
      300,
    ).optional(),
    dashboardLabels: labels(
      "Labels by which Grafana's sidecar finds the dashboard. Default: grafana_dashboard=1",
    ).optional(),
    runbookUrl: field(
      z.string().regex(/^https?:\/\/[^\s{}"]*[^\s{}"/]$/),
      "Where the pages of docs/runbooks are served; alerts link to them. Default: alerts name the file",
      "an http or https address that does not end in /",
    ).optional(),
  },
  "How sandboxes are watched",
);
