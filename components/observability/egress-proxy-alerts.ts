// The alerts of the egress proxy, as data.
import type { Alert } from "./alert";

const service = "The egress proxy in {{ $labels.namespace }}";
const replica = "The egress proxy at {{ $labels.instance }}";

/** Refusals that the rules of a sandbox, or those that nobody can change, are the reason for. */
const byRule = "not_allowed|denied|private|closed|invalid";

/** Every alert, the gravest first. */
export const egressProxyAlerts: readonly Alert[] = [
  {
    name: "EgressProxyMissing",
    expr: "absent(sandlot_egress_current)",
    after: "5m",
    severity: "critical",
    summary:
      "No egress proxy has been scraped for five minutes: none runs, or Prometheus does not reach them.",
  },
  {
    name: "EgressProxyWatchCut",
    expr: "sandlot_egress_current == 0",
    after: "2m",
    severity: "critical",
    summary: `${replica} has not seen the cluster for two minutes, and lets nobody through: it cannot know who calls.`,
  },
  {
    name: "EgressUnknownCallers",
    expr: 'sum by (namespace, job) (rate(sandlot_egress_refused_total{reason="unknown_caller"}[5m])) > 0.1',
    after: "10m",
    severity: "warning",
    summary: `${service} is called by pods that are no sandboxes with an allow list, which network policies should keep from it.`,
  },
  {
    name: "EgressRefusalsHigh",
    expr: `sum by (namespace, job) (rate(sandlot_egress_refused_total{reason=~"${byRule}"}[5m])) > 1`,
    after: "10m",
    severity: "warning",
    summary: `${service} refuses {{ $value | humanize }} requests of sandboxes a second: code in them keeps trying to get out.`,
  },
  {
    name: "EgressDestinationsFail",
    expr:
      'sum by (namespace, job) (rate(sandlot_egress_refused_total{reason=~"unresolvable|unreachable"}[5m])) / ' +
      '(sum by (namespace, job) (rate(sandlot_egress_refused_total{reason=~"unresolvable|unreachable"}[5m])) + ' +
      "sum by (namespace, job) (rate(sandlot_egress_allowed_total[5m]))) > 0.25",
    after: "10m",
    severity: "warning",
    summary: `${service} cannot look up or reach {{ $value | humanizePercentage }} of the destinations that it would let through.`,
  },
  {
    name: "EgressProxyRestarts",
    expr: "changes(process_start_time_seconds[30m]) > 2 and on (instance, job) sandlot_egress_current",
    after: "0m",
    severity: "warning",
    summary: `${replica} was restarted {{ $value | humanize }} times in half an hour.`,
  },
];
