// The settings of watching: defaults filled in, everything held against its rule.
import type * as pulumi from "@pulumi/pulumi";

import { Checks } from "../shared/checks";
import { over } from "../shared/defaults";
import { dnsLabel, integerBetween, labels, matching, selector } from "../shared/rules";
import type { MetricsScraper, ObservabilityArgs } from "./args";

/** {@link ObservabilityArgs} with every default filled in. */
export interface ObservabilitySettings {
  namespace: pulumi.Input<string>;
  sharedSandboxes: boolean;
  provisioner: boolean;
  egressProxy: boolean;
  prometheusOperator: boolean;
  operatorLabels: { [name: string]: string };
  scraper: Required<MetricsScraper>;
  scrapeIntervalSeconds: number;
  dashboardLabels: { [name: string]: string };
  runbookUrl?: string | undefined;
}

/** Fills in the defaults. */
export function withDefaults(args: ObservabilityArgs): ObservabilitySettings {
  return {
    namespace: args.namespace,
    sharedSandboxes: args.sharedSandboxes ?? true,
    provisioner: args.provisioner ?? false,
    egressProxy: args.egressProxy ?? false,
    prometheusOperator: args.prometheusOperator ?? false,
    operatorLabels: args.operatorLabels ?? {},
    scraper: over<Required<MetricsScraper>>(
      {
        namespaceLabels: { "kubernetes.io/metadata.name": "monitoring" },
        podLabels: { "app.kubernetes.io/name": "prometheus" },
      },
      args.scraper,
    ),
    scrapeIntervalSeconds: args.scrapeIntervalSeconds ?? 30,
    dashboardLabels: args.dashboardLabels ?? { grafana_dashboard: "1" },
    runbookUrl: args.runbookUrl,
  };
}

/**
 * Fills in defaults and holds everything against its rule. Pure: nothing is registered.
 * @throws ArgumentError with every problem of the plain values.
 */
export function resolve(name: string, args: ObservabilityArgs): ObservabilitySettings {
  const settings = withDefaults(args);
  const checks = new Checks("Observability", name);
  const namespace = checks.input("namespace", settings.namespace, dnsLabel);
  checks.plain("operatorLabels", settings.operatorLabels, labels);
  checks.plain("scraper.namespaceLabels", settings.scraper.namespaceLabels, selector);
  checks.plain("scraper.podLabels", settings.scraper.podLabels, selector);
  checks.plain(
    "scrapeIntervalSeconds",
    settings.scrapeIntervalSeconds,
    integerBetween(5, 300, "a number of seconds"),
  );
  checks.plain("dashboardLabels", settings.dashboardLabels, selector);
  checks.plain(
    "runbookUrl",
    settings.runbookUrl,
    matching(/^https?:\/\/[^\s{}"]*[^\s{}"/]$/, "an http or https address that does not end in /"),
  );
  for (const field of ["operatorLabels", "scrapeIntervalSeconds"] as const) {
    if (args[field] !== undefined && !settings.prometheusOperator)
      checks.problem(`${field} is given, but prometheusOperator is false; remove it or set that to true`);
  }
  checks.finish();
  return { ...settings, namespace };
}
