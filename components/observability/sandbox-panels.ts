// What the dashboard of the sandboxes shows, as data.
import type { Dashboard } from "./panel";

/** Other servers export `process_*` too. */
const ofSandboxes = "and on (instance, job) sandboxd_build_info";

/** The dashboard. */
export const sandboxDashboard: Dashboard = {
  uid: "sandlot-sandboxes",
  title: "Sandlot: sandboxes",
  rows: [
    {
      title: "Work",
      panels: [
        {
          title: "Sandboxes",
          description: "Sandboxes that were scraped, by the version of their server.",
          unit: "short",
          queries: [{ expr: "count by (version) (sandboxd_build_info)", legend: "{{version}}" }],
        },
        {
          title: "Commands by outcome",
          description: "Commands that ended, per second. Refused ones did not start: as many ran as may.",
          unit: "ops",
          queries: [
            {
              expr: "sum by (outcome) (rate(sandboxd_commands_total[$__rate_interval]))",
              legend: "{{outcome}}",
            },
          ],
        },
        {
          title: "Running commands",
          description: "Commands that run now, and how many may in all sandboxes together.",
          unit: "short",
          queries: [
            { expr: "sum(sandboxd_commands_running)", legend: "running" },
            { expr: "sum(sandboxd_commands_limit)", legend: "limit" },
          ],
        },
        {
          title: "Sessions",
          description: "Shell sessions that live, and bash sessions that are remembered.",
          unit: "short",
          queries: [{ expr: "sum by (kind) (sandboxd_sessions)", legend: "{{kind}}" }],
        },
        {
          title: "Fullest sandbox",
          description: "The largest part of its limits that any one sandbox has used up.",
          unit: "percentunit",
          queries: [
            { expr: "max(sandboxd_commands_running / sandboxd_commands_limit)", legend: "commands" },
            {
              expr: 'max(sandboxd_sessions{kind="shell"} / ignoring (kind) sandboxd_shell_sessions_limit)',
              legend: "shell sessions",
            },
          ],
        },
        {
          title: "Output",
          description: "What commands wrote, per second.",
          unit: "Bps",
          queries: [
            {
              expr: "sum by (kind) (rate(sandboxd_output_bytes_total[$__rate_interval]))",
              legend: "{{kind}}",
            },
          ],
        },
      ],
    },
    {
      title: "Requests",
      panels: [
        {
          title: "Requests by status",
          description: "Requests that were answered, per second, by status code.",
          unit: "reqps",
          queries: [
            {
              expr: "sum by (code) (rate(sandboxd_http_requests_total[$__rate_interval]))",
              legend: "{{code}}",
            },
          ],
        },
        {
          title: "Time of requests (95%)",
          description: "By route. Requests that run commands take as long as these do.",
          unit: "s",
          queries: [
            {
              expr:
                "histogram_quantile(0.95, sum by (le, route) " +
                "(rate(sandboxd_http_request_duration_seconds_bucket[$__rate_interval])))",
              legend: "{{route}}",
            },
          ],
        },
        {
          title: "Requests under way",
          description: "Requests that have not been answered yet.",
          unit: "short",
          queries: [{ expr: "sum(sandboxd_http_requests_in_flight)", legend: "requests" }],
        },
      ],
    },
    {
      title: "Servers",
      panels: [
        {
          title: "Memory",
          description: "Memory of the servers themselves, without that of commands.",
          unit: "bytes",
          queries: [
            { expr: `max(process_resident_memory_bytes ${ofSandboxes})`, legend: "most" },
            { expr: `avg(process_resident_memory_bytes ${ofSandboxes})`, legend: "average" },
          ],
        },
        {
          title: "Processor",
          description: "Cores that the servers themselves use, without commands.",
          unit: "cores",
          queries: [
            {
              expr: `sum(rate(process_cpu_seconds_total[$__rate_interval]) ${ofSandboxes})`,
              legend: "all",
            },
          ],
        },
        {
          title: "Open files",
          description: "The largest part of its open files that any one server has used up.",
          unit: "percentunit",
          queries: [{ expr: `max(process_open_fds / process_max_fds ${ofSandboxes})`, legend: "most" }],
        },
        {
          title: "Restarts",
          description: "Restarts of containers within the last hour.",
          unit: "short",
          queries: [
            { expr: `sum(changes(process_start_time_seconds[1h]) ${ofSandboxes})`, legend: "restarts" },
          ],
        },
      ],
    },
  ],
};
