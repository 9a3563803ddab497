// The alerts of the sandboxes themselves, as data.
import type { Alert } from "./alert";

/** Adds nothing to what is on its left but leaves only sandboxes' series: other servers export `process_*` too. */
const ofSandboxes = "and on (instance, job) sandboxd_build_info";

/** Routes that wait for no command, so that their time is the server's own. */
const quickRoutes = "/v1/sandbox|/v1/activity|/v1/shell/sessions|/v1/bash/sessions";

const sandbox = "The sandbox at {{ $labels.instance }}";

/** Every alert, the gravest first. */
export const sandboxAlerts: readonly Alert[] = [
  {
    name: "SandboxMetricsMissing",
    expr: "absent(sandboxd_build_info)",
    after: "10m",
    severity: "critical",
    summary: "No sandbox has been scraped for ten minutes: none runs, or Prometheus does not reach them.",
  },
  {
    name: "SandboxServerErrors",
    expr:
      'sum by (instance, job) (rate(sandboxd_http_requests_total{code=~"5.."}[5m])) / ' +
      "sum by (instance, job) (rate(sandboxd_http_requests_total[5m])) > 0.01",
    after: "10m",
    severity: "critical",
    summary: `${sandbox} answers {{ $value | humanizePercentage }} of its requests with a server error.`,
  },
  {
    name: "SandboxCommandsRefused",
    expr: 'sum by (instance, job) (increase(sandboxd_commands_total{outcome="refused"}[10m])) > 0',
    after: "0m",
    severity: "warning",
    summary: `${sandbox} refused {{ $value | humanize }} commands in ten minutes because as many ran as may.`,
  },
  {
    name: "SandboxCommandsNearLimit",
    expr: "sandboxd_commands_running / sandboxd_commands_limit > 0.9",
    after: "5m",
    severity: "warning",
    summary: `${sandbox} runs {{ $value | humanizePercentage }} of the commands that it may run at once.`,
  },
  {
    name: "SandboxSessionsNearLimit",
    expr: 'sandboxd_sessions{kind="shell"} / ignoring (kind) sandboxd_shell_sessions_limit > 0.9',
    after: "5m",
    severity: "warning",
    summary: `${sandbox} has {{ $value | humanizePercentage }} of the shell sessions that it may have.`,
  },
  {
    name: "SandboxSlow",
    expr:
      "histogram_quantile(0.99, sum by (instance, job, le) " +
      `(rate(sandboxd_http_request_duration_seconds_bucket{route=~"${quickRoutes}"}[5m]))) > 1`,
    after: "10m",
    severity: "warning",
    summary: `${sandbox} takes {{ $value | humanizeDuration }} for requests that run nothing.`,
  },
  {
    name: "SandboxRestarts",
    expr: `changes(process_start_time_seconds[30m]) > 2 ${ofSandboxes}`,
    after: "0m",
    severity: "warning",
    summary: `${sandbox} was restarted {{ $value | humanize }} times in half an hour.`,
  },
  {
    name: "SandboxMemoryHigh",
    expr: `process_resident_memory_bytes > 256 * 1024 * 1024 ${ofSandboxes}`,
    after: "15m",
    severity: "warning",
    summary: `The server of the sandbox at {{ $labels.instance }} itself uses {{ $value | humanize1024 }}B of memory.`,
  },
  {
    name: "SandboxFilesNearLimit",
    expr: `process_open_fds / process_max_fds > 0.8 ${ofSandboxes}`,
    after: "10m",
    severity: "warning",
    summary: `The server of the sandbox at {{ $labels.instance }} has {{ $value | humanizePercentage }} of the files open that it may.`,
  },
  {
    name: "SandboxCallersRefused",
    expr: 'sum by (instance, job) (rate(sandboxd_http_requests_total{code=~"401|403"}[5m])) > 0.1',
    after: "10m",
    severity: "warning",
    summary: `${sandbox} keeps turning callers away: web pages, unknown host names, or wrong tokens.`,
  },
  {
    name: "SandboxCommandsTimeOut",
    expr:
      'sum by (instance, job) (increase(sandboxd_commands_total{outcome="timed_out"}[30m])) / ' +
      'sum by (instance, job) (increase(sandboxd_commands_total{outcome!="refused"}[30m])) > 0.25',
    after: "30m",
    severity: "info",
    summary: `${sandbox} killed {{ $value | humanizePercentage }} of its commands at their time limit.`,
  },
];
