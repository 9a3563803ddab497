// What the dashboard of the egress proxy shows, as data.
import type { Dashboard } from "./panel";
import { processPanels } from "./process-panels";

/** Other servers export `process_*` too. */
const own = "and on (instance, job) sandlot_egress_current";

/** The dashboard. */
export const egressProxyDashboard: Dashboard = {
  uid: "sandlot-egress-proxy",
  title: "Sandlot: egress proxy",
  rows: [
    {
      title: "Connections",
      panels: [
        {
          title: "Connections let through",
          description:
            "Connections that sandboxes made, per second: tunnels (CONNECT), and plain HTTP requests.",
          unit: "ops",
          queries: [
            {
              expr: "sum by (kind) (rate(sandlot_egress_allowed_total[$__rate_interval]))",
              legend: "{{kind}}",
            },
          ],
        },
        {
          title: "Refusals",
          description: "What sandboxes were refused, per second, by reason.",
          unit: "ops",
          queries: [
            {
              expr: "sum by (reason) (rate(sandlot_egress_refused_total[$__rate_interval]))",
              legend: "{{reason}}",
            },
          ],
        },
        {
          title: "Open connections",
          description: "Connections that are open now.",
          unit: "short",
          queries: [{ expr: "sum(sandlot_egress_open)", legend: "open" }],
        },
      ],
    },
    {
      title: "Processes",
      panels: [
        {
          title: "Watches stand",
          description: "1 for a replica that sees which sandbox has which address and rules.",
          unit: "short",
          queries: [{ expr: "sandlot_egress_current", legend: "{{instance}}" }],
        },
        {
          title: "Watches cut",
          description: "Per second. A cut watch goes on where it was.",
          unit: "ops",
          queries: [
            { expr: "sum(rate(sandlot_egress_watch_troubles_total[$__rate_interval]))", legend: "cut" },
          ],
        },
        ...processPanels(own),
      ],
    },
  ],
};
