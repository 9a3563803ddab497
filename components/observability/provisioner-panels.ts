// What the dashboard of the provisioner shows, as data. Every replica sees all sandboxes and pools: what they agree on is not added up.
import type { Dashboard, Query } from "./panel";
import { processPanels } from "./process-panels";

/** Other servers export `process_*` and `nodejs_*` too. */
const own = "and on (instance, job) sandlot_provisioner_leader";

const rate = (metric: string, labels = ""): string => `rate(${metric}${labels}[$__rate_interval])`;

/** What did not happen took no time: without it, that is not a number. */
const happened = " >= 0";

const quantile = (share: number, start: string): Query => ({
  expr:
    `histogram_quantile(${share}, sum by (le) ` +
    `(${rate("sandlot_provisioner_create_seconds_bucket", `{start="${start}"}`)}))${happened}`,
  legend: `${start} ${share * 100}%`,
});

/** The dashboard. */
export const provisionerDashboard: Dashboard = {
  uid: "sandlot-provisioner",
  title: "Sandlot: provisioner",
  rows: [
    {
      title: "Sandboxes",
      panels: [
        {
          title: "Creates by outcome",
          description:
            "Requests for a sandbox, per second: warm from a pool, cold by a pod of its own, existed, or why there was none.",
          unit: "reqps",
          queries: [
            {
              expr: `sum by (outcome) (${rate("sandlot_provisioner_creates_total")})`,
              legend: "{{outcome}}",
            },
          ],
        },
        {
          title: "Time of creates",
          description: "From the request to a sandbox that answers.",
          unit: "s",
          queries: [quantile(0.5, "warm"), quantile(0.95, "warm"), quantile(0.95, "cold")],
        },
        {
          title: "Claims lost",
          description: "Idle pods that another replica had claimed first, per second; the next pod is tried.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (environment) (${rate("sandlot_provisioner_claims_lost_total")})`,
              legend: "{{environment}}",
            },
          ],
        },
        {
          title: "Sandboxes by state",
          description: "Sandboxes that somebody has, without idle ones.",
          unit: "short",
          queries: [
            {
              expr: "sum by (state) (max by (namespace, job, cluster, state, tenant) (sandlot_provisioner_sandboxes))",
              legend: "{{state}}",
            },
          ],
        },
        {
          title: "Sandboxes by tenant",
          description: "Whose they are.",
          unit: "short",
          queries: [
            {
              expr: "sum by (tenant) (max by (namespace, job, cluster, state, tenant) (sandlot_provisioner_sandboxes))",
              legend: "{{tenant}}",
            },
          ],
        },
        {
          title: "Room",
          description: "Pods of sandboxes and pools, and how many there may be.",
          unit: "short",
          queries: [
            { expr: "sum(max by (namespace, job, cluster) (sandlot_provisioner_pods))", legend: "pods" },
            {
              expr: "sum(max by (namespace, job, cluster) (sandlot_provisioner_pods_limit))",
              legend: "limit",
            },
          ],
        },
      ],
    },
    {
      title: "Pools",
      panels: [
        {
          title: "Idle pods",
          description: "By state, and how many there are to be. Claims take those that run.",
          unit: "short",
          queries: [
            {
              expr: "sum by (environment, state) (max by (namespace, job, cluster, environment, state) (sandlot_provisioner_pool))",
              legend: "{{environment}} {{state}}",
            },
          ],
        },
        {
          title: "Pods made and removed",
          description:
            "For pools, per second. Removed are those that are old, of an old revision, failed or too many.",
          unit: "ops",
          queries: [
            { expr: `sum(${rate("sandlot_provisioner_pool_created_total")})`, legend: "made" },
            { expr: `sum(${rate("sandlot_provisioner_pool_removed_total")})`, legend: "removed" },
            { expr: `sum(${rate("sandlot_provisioner_pool_failed_total")})`, legend: "could not be made" },
          ],
        },
        {
          title: "Reaped",
          description: "Sandboxes that were deleted without being asked for, per second, by reason.",
          unit: "ops",
          queries: [
            { expr: `sum by (reason) (${rate("sandlot_provisioner_reaped_total")})`, legend: "{{reason}}" },
          ],
        },
      ],
    },
    {
      title: "Callers",
      panels: [
        {
          title: "Calls by status",
          description: "Calls of both APIs and of the router, per second.",
          unit: "reqps",
          queries: [
            {
              expr: `sum by (status) (${rate("sandlot_provisioner_http_request_seconds_count")})`,
              legend: "{{status}}",
            },
          ],
        },
        {
          title: "Time of calls (95%)",
          description: "By route. Streams of events last as long as somebody follows them.",
          unit: "s",
          queries: [
            {
              expr:
                "histogram_quantile(0.95, sum by (le, route) " +
                `(${rate("sandlot_provisioner_http_request_seconds_bucket", '{route=~"/(api|v1)/.*"}')}))${happened}`,
              legend: "{{route}}",
            },
          ],
        },
        {
          title: "Calls refused",
          description:
            "Per second: no key or a wrong one (401), too many calls or a quota that is used up (429).",
          unit: "reqps",
          queries: [
            {
              expr:
                "sum by (status) " +
                `(${rate("sandlot_provisioner_http_request_seconds_count", '{status=~"401|403|429"}')})`,
              legend: "{{status}}",
            },
          ],
        },
        {
          title: "Traffic into sandboxes",
          description:
            "Requests that the router passed on, per second, by the class of the sandbox's answer.",
          unit: "reqps",
          queries: [
            {
              expr: `sum by (kind, code) (${rate("sandlot_router_requests_total")})`,
              legend: "{{kind}} {{code}}",
            },
          ],
        },
        {
          title: "Open into sandboxes",
          description: "Requests and WebSockets that are open now.",
          unit: "short",
          queries: [{ expr: "sum by (kind) (sandlot_router_open)", legend: "{{kind}}" }],
        },
        {
          title: "Not routed",
          description:
            "Requests that the router refused, or that no sandbox answered, per second, by reason.",
          unit: "reqps",
          queries: [
            { expr: `sum by (reason) (${rate("sandlot_router_refused_total")})`, legend: "{{reason}}" },
          ],
        },
      ],
    },
    {
      title: "Cluster",
      panels: [
        {
          title: "Requests to the API server",
          description: "Per second, by status; 0 is no answer.",
          unit: "reqps",
          queries: [
            {
              expr: `sum by (status) (${rate("sandlot_provisioner_kubernetes_request_seconds_count")})`,
              legend: "{{status}}",
            },
          ],
        },
        {
          title: "Time of requests to the API server (95%)",
          description: "By method and resource, until the answer's head.",
          unit: "s",
          queries: [
            {
              expr:
                "histogram_quantile(0.95, sum by (le, method, resource) " +
                `(${rate("sandlot_provisioner_kubernetes_request_seconds_bucket")}))${happened}`,
              legend: "{{method}} {{resource}}",
            },
          ],
        },
        {
          title: "Watches cut, lists fetched",
          description:
            "Per second. A cut watch goes on where it was; a list is fetched where that is no longer known.",
          unit: "ops",
          queries: [
            {
              expr: `sum by (resource) (${rate("sandlot_provisioner_watch_troubles_total")})`,
              legend: "cut {{resource}}",
            },
            {
              expr: `sum by (resource) (${rate("sandlot_provisioner_lists_total")})`,
              legend: "list {{resource}}",
            },
          ],
        },
        {
          title: "Leader",
          description: "1 for the replica that fills pools and reaps.",
          unit: "short",
          queries: [{ expr: "sandlot_provisioner_leader", legend: "{{instance}}" }],
        },
        {
          title: "Watches stand",
          description: "1 for a replica that sees the cluster as it is.",
          unit: "short",
          queries: [{ expr: "sandlot_provisioner_current", legend: "{{instance}}" }],
        },
      ],
    },
    {
      title: "Processes",
      panels: [
        ...processPanels(own),
        {
          title: "Event loop lag (99%)",
          description: "How late the process gets to what it has to do.",
          unit: "s",
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds ${own}`, legend: "{{instance}}" }],
        },
      ],
    },
  ],
};
