// sandlot:observability: how sandboxes are watched.
import { z } from "zod";

import { cidr, count, dnsName, field, flag, labels, listOf, object, port } from "../values";

const tracing = object(
  {
    endpoint: field(
      z.string().regex(/^https?:\/\/[^\s?#]*[^\s?#/]$/),
      "The collector that takes OTLP over HTTP; /v1/traces is added",
      "an http or https address that does not end in /, such as http://collector.monitoring.svc.cluster.local:4318",
    ),
    headersSecret: dnsName(
      "A Secret of the provisioner's namespace that somebody else makes, whose entry `headers` has the headers that the collector asks for. Default: no headers",
    ).optional(),
    samplingRatio: field(
      z.number().min(0).max(1),
      "The share of traces that is kept; what the caller's own trace says of itself goes before it. Default: 1",
      "a number from 0 to 1",
    ).optional(),
    resourceAttributes: field(
      z.record(z.string().regex(/^[A-Za-z0-9_.-]+$/), z.string()),
      "What else traces say of where they come from, such as deployment.environment.name",
      "names of letters, digits, '_', '.' and '-', each with a value in quotes",
    ).optional(),
    collector: object(
      {
        namespaceLabels: labels(
          "Labels of the collector's namespace. Default: kubernetes.io/metadata.name=monitoring",
        ).optional(),
        podLabels: labels(
          "Labels of the collector's pods. Default: app.kubernetes.io/name=opentelemetry-collector",
        ).optional(),
        cidrs: listOf(
          cidr("A range"),
          "Addresses of a collector outside of the cluster, instead of labels",
        ).optional(),
        port: port("The port that its pods listen at. Default: that of endpoint").optional(),
      },
      "Where the collector is: the provisioner may reach it there, and nowhere else",
    ).optional(),
  },
  "Where the provisioner's traces go. Default: it makes none",
);

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
    tracing: tracing.optional(),
  },
  "How sandboxes are watched",
);

/** Tells `refuse` of traces that nobody would make. */
export function checkObservability(
  given: z.infer<typeof observability>,
  provisioner: { readonly enabled?: boolean | undefined },
  refuse: (path: string[], message: string) => void,
): void {
  if (given.tracing !== undefined && provisioner.enabled !== true)
    refuse(
      ["observability", "tracing"],
      "it is the provisioner that is traced: set provisioner.enabled as well",
    );
}
