// The alerts of the provisioner, as data. Replicas are one service: where one of them is enough, they are looked at together. Each
// cluster that it places sandboxes in is looked at by itself; where there is one, its series have no label `cluster`.
import type { Alert } from "./alert";

const service = "The provisioner in {{ $labels.namespace }}";
const replica = "The provisioner at {{ $labels.instance }}";

/** Ends of creates that are no fault of the caller's. */
const ownFaults = "failed|refused|unavailable|internal";

/** Both APIs. What the router passes on is answered by sandboxes. */
const ownRoutes = 'route=~"/(api|v1)/.*"';

/** Every alert, the gravest first. */
export const provisionerAlerts: readonly Alert[] = [
  {
    name: "ProvisionerMissing",
    expr: "absent(sandlot_provisioner_leader)",
    after: "5m",
    severity: "critical",
    summary:
      "No provisioner has been scraped for five minutes: none runs, or Prometheus does not reach them.",
  },
  {
    name: "ProvisionerNoLeader",
    expr: "sum by (namespace, job, cluster) (sandlot_provisioner_leader) != 1",
    after: "2m",
    severity: "critical",
    summary: `${service} has {{ $value }} replicas that lead, and must have one: nobody fills pools and reaps, or two do.`,
  },
  {
    name: "ProvisionerWatchesCut",
    expr: "sandlot_provisioner_current == 0",
    after: "2m",
    severity: "critical",
    summary: `${replica} has not seen the cluster for two minutes: its watches are cut.`,
  },
  {
    name: "ProvisionerCreatesFail",
    expr:
      `sum by (namespace, job, cluster) (rate(sandlot_provisioner_creates_total{outcome=~"${ownFaults}"}[5m])) / ` +
      "sum by (namespace, job, cluster) (rate(sandlot_provisioner_creates_total[5m])) > 0.05",
    after: "5m",
    severity: "critical",
    summary: `${service} fails with {{ $value | humanizePercentage }} of the sandboxes that it is asked for.`,
  },
  {
    name: "ProvisionerServerErrors",
    expr:
      "sum by (namespace, job, cluster) " +
      `(rate(sandlot_provisioner_http_request_seconds_count{status="500",${ownRoutes}}[5m])) / ` +
      `sum by (namespace, job, cluster) (rate(sandlot_provisioner_http_request_seconds_count{${ownRoutes}}[5m])) > 0.01`,
    after: "10m",
    severity: "critical",
    summary: `${service} answers {{ $value | humanizePercentage }} of its calls with an error that nobody foresaw.`,
  },
  {
    name: "ProvisionerPoolEmpty",
    expr:
      'max by (namespace, job, cluster, environment) (sandlot_provisioner_pool{state="running"}) == 0 and ' +
      'max by (namespace, job, cluster, environment) (sandlot_provisioner_pool{state="desired"}) > 0',
    after: "5m",
    severity: "warning",
    summary: `${service} has had no idle sandbox of the environment {{ $labels.environment }} for five minutes: all start cold.`,
  },
  {
    name: "ProvisionerOutOfRoom",
    expr: 'sum by (namespace, job, cluster) (increase(sandlot_provisioner_creates_total{outcome="capacity"}[10m])) > 0',
    after: "0m",
    severity: "warning",
    summary: `${service} refused {{ $value | humanize }} sandboxes in ten minutes because there is no room.`,
  },
  {
    name: "ProvisionerNearLimit",
    expr: "max by (namespace, job, cluster) (sandlot_provisioner_pods / sandlot_provisioner_pods_limit) > 0.9",
    after: "10m",
    severity: "warning",
    summary: `${service} has {{ $value | humanizePercentage }} of the pods that it may have.`,
  },
  {
    name: "ProvisionerSlowClaims",
    expr:
      "histogram_quantile(0.95, sum by (namespace, job, cluster, le) " +
      '(rate(sandlot_provisioner_create_seconds_bucket{start="warm"}[5m]))) > 0.5',
    after: "10m",
    severity: "warning",
    summary: `${service} takes {{ $value | humanizeDuration }} to hand out a sandbox from a pool.`,
  },
  {
    name: "ProvisionerApiTrouble",
    expr:
      'sum by (namespace, job, cluster) (rate(sandlot_provisioner_kubernetes_request_seconds_count{status=~"0|429|5.."}[5m])) / ' +
      "sum by (namespace, job, cluster) (rate(sandlot_provisioner_kubernetes_request_seconds_count[5m])) > 0.05",
    after: "10m",
    severity: "warning",
    summary: `{{ $value | humanizePercentage }} of the requests of the provisioner in {{ $labels.namespace }} to the API server fail.`,
  },
  {
    name: "ProvisionerSandboxesGivenUp",
    expr:
      "sum by (namespace, job, cluster) (increase(" +
      'sandlot_provisioner_reaped_total{reason=~"failed|never-started|never-handed-over"}[30m])) > 5',
    after: "0m",
    severity: "warning",
    summary: `${service} gave {{ $value | humanize }} sandboxes up in half an hour: they failed, or never answered.`,
  },
  {
    name: "ProvisionerCallersRefused",
    // To the router, a token that opens nothing is a sandbox that is not there: it tells nobody which ids exist.
    expr:
      "sum by (namespace, job, cluster) (" +
      `rate(sandlot_provisioner_http_request_seconds_count{status="401",${ownRoutes}}[5m]) or ` +
      'rate(sandlot_router_refused_total{reason=~"unauthorized|not_found"}[5m])) > 0.1',
    after: "10m",
    severity: "warning",
    summary: `${service} keeps turning callers away whose key or token it does not know, or who name no sandbox of theirs.`,
  },
  {
    name: "ProvisionerRestarts",
    expr: "changes(process_start_time_seconds[30m]) > 2 and on (instance, job) sandlot_provisioner_leader",
    after: "0m",
    severity: "warning",
    summary: `${replica} was restarted {{ $value | humanize }} times in half an hour.`,
  },
];
