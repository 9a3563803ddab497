// What fires each alert, when, and what nearly does: series in the notation of Prometheus' own tests, a value every 30 seconds.

/** Series for one alert. */
export interface AlertCase {
  readonly fires: readonly string[];
  /** When it fires; seconds. */
  readonly at: number;
  /** Just below its bound, and what others export. */
  readonly quiet: readonly string[];
  /** The metric of {@link alive} that is left out for `fires`. */
  readonly without?: string;
}

export const sandboxTarget = {
  instance: "10.42.0.7:9464",
  job: "sandbox-metrics",
  namespace: "sandlot",
  pod: "sandbox-1",
};
const of = (name: string, labels: Record<string, string> = {}, job = sandboxTarget.job): string => {
  const all = { instance: sandboxTarget.instance, ...labels, job };
  return `${name}{${Object.entries(all)
    .map(([key, value]) => `${key}="${value}"`)
    .join(",")}}`;
};

const requests = (code: string) => of("sandboxd_http_requests_total", { code, method: "GET", route: "/x" });
const commands = (outcome: string) => of("sandboxd_commands_total", { kind: "bash", outcome });
const took = (le: string) =>
  of("sandboxd_http_request_duration_seconds_bucket", { le, method: "GET", route: "/v1/activity" });
const seconds = (quick: string) => [
  ...["0.005", "0.5", "1"].map((le) => `${took(le)} ${quick}`),
  ...["2.5", "+Inf"].map((le) => `${took(le)} 0+10x240`),
];

export const sandboxCases: Readonly<Record<string, AlertCase>> = {
  SandboxMetricsMissing: { fires: [], at: 600, quiet: [], without: "sandboxd_build_info" },
  SandboxServerErrors: {
    fires: [`${requests("500")} 0+1x240`, `${requests("200")} 0+9x240`],
    at: 630,
    quiet: [`${requests("500")} 0+1x240`, `${requests("200")} 0+999x240`, `${requests("429")} 0+99x240`],
  },
  SandboxCommandsRefused: {
    fires: [`${commands("refused")} 0+0x3 1+0x200`],
    at: 120,
    quiet: [`${commands("refused")} 5+0x240`, `${commands("failed")} 0+1x240`],
  },
  SandboxCommandsNearLimit: {
    fires: [`${of("sandboxd_commands_running")} 58+0x240`, `${of("sandboxd_commands_limit")} 64+0x240`],
    at: 300,
    quiet: [`${of("sandboxd_commands_running")} 57+0x240`, `${of("sandboxd_commands_limit")} 64+0x240`],
  },
  SandboxSessionsNearLimit: {
    fires: [
      `${of("sandboxd_sessions", { kind: "shell" })} 29+0x240`,
      `${of("sandboxd_shell_sessions_limit")} 32+0x240`,
    ],
    at: 300,
    quiet: [
      `${of("sandboxd_sessions", { kind: "shell" })} 28+0x240`,
      `${of("sandboxd_sessions", { kind: "bash" })} 256+0x240`,
      `${of("sandboxd_shell_sessions_limit")} 32+0x240`,
    ],
  },
  SandboxSlow: { fires: [...seconds("0+9x240")], at: 630, quiet: [...seconds("0+10x240")] },
  SandboxRestarts: {
    fires: [`${of("process_start_time_seconds")} 1+0x1 2+0x1 3+0x1 4+0x200`],
    at: 180,
    quiet: [
      `${of("process_start_time_seconds")} 1+0x1 2+0x1 3+0x200`,
      `${of("process_start_time_seconds", {}, "another")} 0+1x240`,
    ],
  },
  SandboxMemoryHigh: {
    fires: [`${of("process_resident_memory_bytes")} 300000000+0x240`],
    at: 900,
    quiet: [
      `${of("process_resident_memory_bytes")} 200000000+0x240`,
      `${of("process_resident_memory_bytes", {}, "another")} 3000000000+0x240`,
    ],
  },
  SandboxFilesNearLimit: {
    fires: [`${of("process_open_fds")} 81+0x240`, `${of("process_max_fds")} 100+0x240`],
    at: 600,
    quiet: [`${of("process_open_fds")} 80+0x240`, `${of("process_max_fds")} 100+0x240`],
  },
  SandboxCallersRefused: {
    fires: [`${requests("403")} 0+50x240`, `${requests("401")} 0+50x240`],
    at: 630,
    quiet: [`${requests("403")} 0+2x240`, `${requests("404")} 0+99x240`],
  },
  SandboxCommandsTimeOut: {
    fires: [`${commands("timed_out")} 0+1x240`, `${commands("succeeded")} 0+1x240`],
    at: 1830,
    quiet: [`${commands("timed_out")} 0+1x240`, `${commands("succeeded")} 0+3x240`],
  },
};

/** A replica of one of our services. */
function replica(job: string, instance: string) {
  return (name: string, labels: Record<string, string> = {}): string => {
    const all = { instance, job, namespace: "sandlot-system", ...labels };
    const pairs = Object.entries(all).map(([key, value]) => `${key}="${value}"`);
    return `${name}{${pairs.join(",")}}`;
  };
}

const [first, second] = ["10.42.0.8:8003", "10.42.0.9:8003"].map((at) =>
  replica("provisioner-metrics", at),
) as [ReturnType<typeof replica>, ReturnType<typeof replica>];
const [proxy, otherProxy] = ["10.42.0.10:8081", "10.42.0.11:8081"].map((at) =>
  replica("egress-proxy-metrics", at),
) as [ReturnType<typeof replica>, ReturnType<typeof replica>];

/** Everything runs, and is idle, for two hours of evaluations. */
export const alive: readonly string[] = [
  `${of("sandboxd_build_info", { version: "0.1.0" })} 1+0x240`,
  `${first("sandlot_provisioner_leader")} 1+0x240`,
  `${second("sandlot_provisioner_leader")} 0+0x240`,
  `${proxy("sandlot_egress_current")} 1+0x240`,
];

const creates = (outcome: string) => first("sandlot_provisioner_creates_total", { outcome });
const calls = (status: string, route: string) =>
  second("sandlot_provisioner_http_request_seconds_count", { method: "GET", route, status });
const unrouted = (reason: string, labels: Record<string, string> = {}) =>
  second("sandlot_router_refused_total", { reason, ...labels });
const asked = (status: string) =>
  first("sandlot_provisioner_kubernetes_request_seconds_count", { method: "GET", resource: "pods", status });
const pool = (environment: string, state: string) =>
  first("sandlot_provisioner_pool", { environment, state });
const reaped = (reason: string) => first("sandlot_provisioner_reaped_total", { reason });
const created = (start: string, le: string) =>
  first("sandlot_provisioner_create_seconds_bucket", { environment: "default", start, le });
const refused = (reason: string) => proxy("sandlot_egress_refused_total", { reason });
const allowed = (kind: string) => proxy("sandlot_egress_allowed_total", { kind });

export const provisionerCases: Readonly<Record<string, AlertCase>> = {
  ProvisionerMissing: { fires: [], at: 300, quiet: [], without: "sandlot_provisioner_leader" },
  // Another of the same job: two lead. That none does is tried apart.
  ProvisionerNoLeader: {
    fires: [`${replica("provisioner-metrics", "10.42.0.12:8003")("sandlot_provisioner_leader")} 1+0x240`],
    at: 120,
    quiet: [
      `${replica("provisioner-metrics", "10.42.0.12:8003")("sandlot_provisioner_leader")} 0+0x240`,
      `${first("sandlot_provisioner_leader", { namespace: "other-system" })} 1+0x240`,
      `${second("sandlot_provisioner_leader", { cluster: "another" })} 1+0x240`,
    ],
  },
  ProvisionerWatchesCut: {
    fires: [
      `${first("sandlot_provisioner_current")} 1+0x240`,
      `${second("sandlot_provisioner_current")} 0+0x240`,
    ],
    at: 120,
    quiet: [`${first("sandlot_provisioner_current")} 0+0x3 1+0x2 0+0x3 1+0x200`],
  },
  ProvisionerCreatesFail: {
    fires: [`${creates("failed")} 0+1x240`, `${creates("warm")} 0+9x240`],
    at: 330,
    quiet: [
      `${creates("unavailable")} 0+1x240`,
      `${creates("warm")} 0+49x240`,
      `${creates("quota")} 0+99x240`,
      `${creates("conflict")} 0+99x240`,
    ],
  },
  ProvisionerServerErrors: {
    fires: [`${calls("500", "/v1/sandboxes")} 0+1x240`, `${calls("201", "/v1/sandboxes")} 0+9x240`],
    at: 630,
    quiet: [
      `${calls("500", "/v1/sandboxes")} 0+1x240`,
      `${calls("201", "/v1/sandboxes")} 0+199x240`,
      `${calls("503", "/api/sandboxes")} 0+99x240`,
      `${calls("500", "/sandboxes/*")} 0+999x240`,
    ],
  },
  ProvisionerPoolEmpty: {
    fires: [`${pool("default", "running")} 0+0x240`, `${pool("default", "desired")} 3+0x240`],
    at: 300,
    quiet: [
      `${pool("without", "running")} 0+0x240`,
      `${pool("without", "desired")} 0+0x240`,
      `${pool("default", "running")} 1+0x240`,
      `${pool("default", "desired")} 3+0x240`,
      `${pool("short", "running")} 0+0x8 1+0x2 0+0x8 1+0x200`,
      `${pool("short", "desired")} 1+0x240`,
    ],
  },
  ProvisionerOutOfRoom: {
    fires: [`${creates("capacity")} 0+0x3 1+0x200`],
    at: 120,
    quiet: [`${creates("capacity")} 5+0x240`, `${creates("quota")} 0+1x240`],
  },
  ProvisionerNearLimit: {
    fires: [
      `${first("sandlot_provisioner_pods")} 455+0x240`,
      `${first("sandlot_provisioner_pods_limit")} 500+0x240`,
    ],
    at: 600,
    quiet: [
      `${first("sandlot_provisioner_pods")} 450+0x240`,
      `${first("sandlot_provisioner_pods_limit")} 500+0x240`,
    ],
  },
  ProvisionerSlowClaims: {
    fires: [
      ...["0.25", "0.5"].map((le) => `${created("warm", le)} 0+9x240`),
      ...["1", "+Inf"].map((le) => `${created("warm", le)} 0+10x240`),
    ],
    at: 630,
    quiet: [
      ...["0.25", "0.5", "+Inf"].map((le) => `${created("warm", le)} 0+10x240`),
      ...["0.5", "5"].map((le) => `${created("cold", le)} 0+0x240`),
      ...["10", "+Inf"].map((le) => `${created("cold", le)} 0+10x240`),
    ],
  },
  ProvisionerApiTrouble: {
    fires: [`${asked("0")} 0+1x240`, `${asked("200")} 0+9x240`],
    at: 630,
    quiet: [
      `${asked("503")} 0+1x240`,
      `${asked("200")} 0+49x240`,
      `${asked("409")} 0+99x240`,
      `${asked("422")} 0+99x240`,
    ],
  },
  ProvisionerSandboxesGivenUp: {
    fires: [`${reaped("failed")} 0+1x240`],
    at: 180,
    quiet: [`${reaped("failed")} 0+1x5 5+0x234`, `${reaped("soft-timeout")} 0+9x240`],
  },
  ProvisionerCallersRefused: {
    // Unknown keys and unknown tokens count together.
    fires: [
      `${calls("401", "/v1/sandboxes")} 0+2x240`,
      `${unrouted("not_found")} 0+1x240`,
      `${unrouted("unauthorized")} 0+1x240`,
    ],
    at: 840,
    quiet: [
      `${calls("401", "/v1/sandboxes")} 0+2x240`,
      `${calls("404", "/v1/sandboxes/:id")} 0+99x240`,
      // Those of applications in sandboxes.
      `${calls("401", "/sandboxes/*")} 0+99x240`,
      `${calls("403", "/sandboxes/*")} 0+99x240`,
      `${unrouted("starting")} 0+99x240`,
      `${unrouted("not_found", { namespace: "other-system" })} 0+2x240`,
    ],
  },
  ProvisionerRestarts: {
    fires: [`${first("process_start_time_seconds")} 1+0x1 2+0x1 3+0x1 4+0x200`],
    at: 180,
    quiet: [
      `${first("process_start_time_seconds")} 1+0x1 2+0x1 3+0x200`,
      `${first("process_start_time_seconds", { job: "another" })} 0+1x240`,
    ],
  },
};

export const egressProxyCases: Readonly<Record<string, AlertCase>> = {
  EgressProxyMissing: { fires: [], at: 300, quiet: [], without: "sandlot_egress_current" },
  EgressProxyWatchCut: {
    fires: [`${otherProxy("sandlot_egress_current")} 0+0x240`],
    at: 120,
    quiet: [`${otherProxy("sandlot_egress_current")} 0+0x3 1+0x2 0+0x3 1+0x200`],
  },
  EgressUnknownCallers: {
    fires: [`${refused("unknown_caller")} 0+50x240`],
    at: 630,
    quiet: [`${refused("unknown_caller")} 0+2x240`],
  },
  EgressRefusalsHigh: {
    fires: [`${refused("not_allowed")} 0+20x240`, `${refused("denied")} 0+20x240`],
    // A rate over five minutes is above its bound when most of them are over.
    at: 840,
    quiet: [`${refused("not_allowed")} 0+25x240`, `${refused("crowded")} 0+99x240`],
  },
  EgressDestinationsFail: {
    fires: [`${refused("unreachable")} 0+1x240`, `${allowed("tunnel")} 0+1x240`],
    at: 630,
    quiet: [
      `${refused("unresolvable")} 0+1x240`,
      `${allowed("tunnel")} 0+4x240`,
      `${refused("not_allowed")} 0+9x240`,
    ],
  },
  EgressProxyRestarts: {
    fires: [`${proxy("process_start_time_seconds")} 1+0x1 2+0x1 3+0x1 4+0x200`],
    at: 180,
    quiet: [
      `${proxy("process_start_time_seconds")} 1+0x1 2+0x1 3+0x200`,
      `${first("process_start_time_seconds", { job: "another" })} 0+1x240`,
    ],
  },
};
