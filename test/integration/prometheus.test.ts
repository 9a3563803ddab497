// Alerts and dashboard in Prometheus' own engine: every alert on series that must fire it and on series that must not; every
// query of the dashboard on what a real server exported while it was given known work.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { alerts, ruleGroups } from "../../components/observability/alerts.js";
import { dashboard } from "../../components/observability/dashboard.js";
import { startServer, type Server } from "../unit/sandboxd/server.js";
import { buildPrometheus, evaluate, type Sample, type Scrape } from "./support/prometheus.js";

const target = { instance: "10.42.0.7:9464", job: "sandbox-metrics", namespace: "sandlot", pod: "sandbox-1" };
const of = (name: string, labels: Record<string, string> = {}, job = target.job): string => {
  const all = { instance: target.instance, ...labels, job };
  return `${name}{${Object.entries(all)
    .map(([key, value]) => `${key}="${value}"`)
    .join(",")}}`;
};

/** A sandbox that is there for two hours of evaluations. */
const alive = `${of("sandboxd_build_info", { version: "0.1.0" })} 1+0x240`;

const requests = (code: string) => of("sandboxd_http_requests_total", { code, method: "GET", route: "/x" });
const commands = (outcome: string) => of("sandboxd_commands_total", { kind: "bash", outcome });
const took = (le: string) =>
  of("sandboxd_http_request_duration_seconds_bucket", { le, method: "GET", route: "/v1/activity" });
const seconds = (quick: string) => [
  ...["0.005", "0.5", "1"].map((le) => `${took(le)} ${quick}`),
  ...["2.5", "+Inf"].map((le) => `${took(le)} 0+10x240`),
];

/** What fires an alert, when, and what nearly does; values come every 30 seconds. */
const cases: Record<string, { fires: string[]; at: number; quiet: string[] }> = {
  SandboxMetricsMissing: { fires: [], at: 600, quiet: [alive] },
  SandboxServerErrors: {
    fires: [alive, `${requests("500")} 0+1x240`, `${requests("200")} 0+9x240`],
    at: 630,
    quiet: [
      alive,
      `${requests("500")} 0+1x240`,
      `${requests("200")} 0+999x240`,
      `${requests("429")} 0+99x240`,
    ],
  },
  SandboxCommandsRefused: {
    fires: [alive, `${commands("refused")} 0+0x3 1+0x200`],
    at: 120,
    quiet: [alive, `${commands("refused")} 5+0x240`, `${commands("failed")} 0+1x240`],
  },
  SandboxCommandsNearLimit: {
    fires: [
      alive,
      `${of("sandboxd_commands_running")} 58+0x240`,
      `${of("sandboxd_commands_limit")} 64+0x240`,
    ],
    at: 300,
    quiet: [
      alive,
      `${of("sandboxd_commands_running")} 57+0x240`,
      `${of("sandboxd_commands_limit")} 64+0x240`,
    ],
  },
  SandboxSessionsNearLimit: {
    fires: [
      alive,
      `${of("sandboxd_sessions", { kind: "shell" })} 29+0x240`,
      `${of("sandboxd_shell_sessions_limit")} 32+0x240`,
    ],
    at: 300,
    quiet: [
      alive,
      `${of("sandboxd_sessions", { kind: "shell" })} 28+0x240`,
      `${of("sandboxd_sessions", { kind: "bash" })} 256+0x240`,
      `${of("sandboxd_shell_sessions_limit")} 32+0x240`,
    ],
  },
  SandboxSlow: { fires: [alive, ...seconds("0+9x240")], at: 630, quiet: [alive, ...seconds("0+10x240")] },
  SandboxRestarts: {
    fires: [alive, `${of("process_start_time_seconds")} 1+0x1 2+0x1 3+0x1 4+0x200`],
    at: 180,
    quiet: [
      alive,
      `${of("process_start_time_seconds")} 1+0x1 2+0x1 3+0x200`,
      `${of("process_start_time_seconds", {}, "another")} 0+1x240`,
    ],
  },
  SandboxMemoryHigh: {
    fires: [alive, `${of("process_resident_memory_bytes")} 300000000+0x240`],
    at: 900,
    quiet: [
      alive,
      `${of("process_resident_memory_bytes")} 200000000+0x240`,
      `${of("process_resident_memory_bytes", {}, "another")} 3000000000+0x240`,
    ],
  },
  SandboxFilesNearLimit: {
    fires: [alive, `${of("process_open_fds")} 81+0x240`, `${of("process_max_fds")} 100+0x240`],
    at: 600,
    quiet: [alive, `${of("process_open_fds")} 80+0x240`, `${of("process_max_fds")} 100+0x240`],
  },
  SandboxCallersRefused: {
    fires: [alive, `${requests("403")} 0+50x240`, `${requests("401")} 0+50x240`],
    at: 630,
    quiet: [alive, `${requests("403")} 0+2x240`, `${requests("404")} 0+99x240`],
  },
  SandboxCommandsTimeOut: {
    fires: [alive, `${commands("timed_out")} 0+1x240`, `${commands("succeeded")} 0+1x240`],
    at: 1830,
    quiet: [alive, `${commands("timed_out")} 0+1x240`, `${commands("succeeded")} 0+3x240`],
  },
};

describe("alert rules and dashboard in Prometheus' engine", function () {
  this.timeout(600_000);
  let program: string;
  const rules = JSON.stringify(ruleGroups());

  before(async () => {
    program = await buildPrometheus();
  });

  const fire = (series: readonly string[]) => evaluate(program, { series, rules, step: 30, at: 3600 });

  it("every alert is tried", () => {
    assert.deepEqual(
      Object.keys(cases),
      alerts.map(({ name }) => name),
    );
  });

  for (const { name, severity } of alerts) {
    const { fires = [], at = 0, quiet = [] } = cases[name] ?? {};

    it(`${name} fires, in time and alone, and says where to look`, async () => {
      const { firing } = await fire(fires);
      assert.deepEqual(
        firing.map(({ labels }) => labels["alertname"]),
        [name],
      );
      const [alert] = firing;
      assert.equal(alert?.at, at);
      assert.equal(alert.labels["severity"], severity);
      const { summary = "", runbook } = alert.annotations;
      assert.equal(runbook, `docs/runbooks/${name}.md`);
      assert.doesNotMatch(summary, /\{\{|<no value>|<error/);
      if (name !== "SandboxMetricsMissing") assert.ok(summary.includes(target.instance), summary);
    });

    it(`${name} does not fire just below its bound, nor by other servers' series`, async () => {
      assert.deepEqual((await fire(quiet)).firing, []);
    });
  }

  it("links to pages where they are served", async () => {
    const served = JSON.stringify(ruleGroups("https://git.example.com/runbooks"));
    const { firing } = await evaluate(program, { rules: served, step: 30, at: 900 });
    assert.deepEqual(
      firing[0]?.annotations["runbook_url"],
      "https://git.example.com/runbooks/SandboxMetricsMissing.md",
    );
  });

  describe("the dashboard, on what a real server exported", () => {
    let server: Server;
    const scrapes: Scrape[] = [];
    let answers: Map<string, readonly Sample[]>;

    const panels = dashboard().panels.flatMap((panel) =>
      "targets" in panel
        ? panel.targets.map(({ expr, legendFormat }) => ({ title: panel.title, expr, legendFormat }))
        : [],
    );

    /** Four commands that succeed, two that fail, one that times out, one that is refused, two that are killed. */
    async function work(): Promise<void> {
      const { client } = server;
      await client.bash("head -c 1000 /dev/zero | tr '\\0' x");
      for (const command of ["true", "true", "exit 3", "exit 4"]) await client.bash(command);
      await client.shell("printf 12345", { id: "shell" });
      await client.bash("sleep 30", { hard_timeout: 0.2 });
      for (const id of ["one", "two"]) await client.bash("sleep 60", { session_id: id, async_mode: true });
      assert.equal((await client.bash("true")).status, 429);
      for (const id of ["one", "two"])
        await client.post("/v1/bash/kill", { session_id: id, signal: "SIGKILL" });
      assert.equal((await client.request("GET", "/v1/nope")).status, 404);
      assert.equal(
        (await client.request("GET", "/v1/sandbox", undefined, { origin: "http://x" })).status,
        403,
      );
      await client.context();
    }

    async function scrape(at: number): Promise<void> {
      const listening = JSON.parse(server.logs[0] ?? "") as { metrics: string };
      const text = await (await fetch(`http://${listening.metrics}/metrics`)).text();
      scrapes.push({ at, labels: target, text });
    }

    /** The one value of a query, or the values by a label. */
    function answer(title: string, legend: string): readonly Sample[] {
      const found = answers.get(`${title}: ${legend}`);
      assert.ok(found, `no query ${title}: ${legend}`);
      return found;
    }
    const one = (title: string, legend: string): number => {
      const [sample, ...more] = answer(title, legend);
      assert.ok(sample !== undefined && more.length === 0, `${title}: ${legend}`);
      return sample.value;
    };
    /** The values of a query by a label. */
    const by = (title: string, label: string): Record<string, number> =>
      Object.fromEntries(
        answer(title, `{{${label}}}`).map(({ labels, value }): [string, number] => [
          labels[label] ?? "",
          value,
        ]),
      );
    /** Values of a rate over two minutes as what was counted in them, by a label. */
    const counted = (title: string, label: string): Record<string, number> =>
      Object.fromEntries(
        Object.entries(by(title, label)).map(([name, value]): [string, number] => [
          name,
          Math.round(value * 120),
        ]),
      );

    before(async () => {
      server = await startServer({ SANDBOXD_METRICS_ADDRESS: "127.0.0.1:0", SANDBOXD_MAX_COMMANDS: "2" });
      await work();
      await scrape(0);
      await work();
      await server.client.bash("sleep 60", { session_id: "late", async_mode: true });
      // The scrapes are seconds apart only on paper; what happened between the first two is all there is to see.
      for (const at of [15, 30, 45, 60]) await scrape(at);
      const foreign = [
        'process_resident_memory_bytes{instance="db",job="db"} 9e12+0x8',
        'process_open_fds{instance="db",job="db"} 99+0x8',
        'process_max_fds{instance="db",job="db"} 100+0x8',
      ];
      const queries = panels.map(({ expr }) => expr.replaceAll("$__rate_interval", "2m"));
      const outcome = await evaluate(program, { scrapes, series: foreign, queries, step: 15, at: 60 });
      assert.ok(outcome.samples > 500, `${outcome.samples} samples`);
      answers = new Map(
        panels.map(({ title, legendFormat }, i) => [`${title}: ${legendFormat}`, outcome.queries[i] ?? []]),
      );
    });

    after(() => server.stop());

    it("every query gives something, with the labels that its legend names", () => {
      for (const [query, samples] of answers) {
        assert.ok(samples.length > 0, query);
        for (const [, label = ""] of query.matchAll(/\{\{(\w+)\}\}/g)) {
          for (const { labels } of samples)
            assert.ok(labels[label] !== undefined, `${query} has no ${label}`);
        }
      }
    });

    it("shows commands by outcome", () => {
      // Prometheus extends what it counted between scrapes to the ends of the window, by up to an eighth here.
      assert.deepEqual(counted("Commands by outcome", "outcome"), {
        succeeded: 5, // 4 and the eighth
        failed: 2,
        timed_out: 1,
        refused: 1,
        killed: 2,
      });
    });

    it("shows running commands, sessions and how full the fullest sandbox is", () => {
      assert.equal(one("Running commands", "running"), 1);
      assert.equal(one("Running commands", "limit"), 2);
      assert.equal(one("Fullest sandbox", "commands"), 0.5);
      assert.equal(one("Fullest sandbox", "shell sessions"), 1 / 32);
      assert.equal(by("Sessions", "kind")["shell"], 1);
      assert.deepEqual(
        answer("Sandboxes", "{{version}}").map(({ value }) => value),
        [1],
      );
    });

    it("shows output", () => {
      const output = counted("Output", "kind");
      assert.equal(output["bash"], Math.round(1000 * 1.125));
      assert.equal(output["shell"], Math.round(5 * 1.125));
    });

    it("shows requests by status and their times", () => {
      const codes = counted("Requests by status", "code");
      assert.deepEqual(Object.keys(codes).sort(), ["200", "403", "404", "429"]);
      assert.deepEqual([codes["403"], codes["404"], codes["429"]], [1, 1, 1]);
      assert.ok((codes["200"] ?? 0) >= 12, JSON.stringify(codes));
      const times = by("Time of requests (95%)", "route");
      assert.ok((times["/v1/bash/exec"] ?? 0) > 0.1, "a command took its time limit of 0.2 s");
      assert.ok((times["/v1/sandbox"] ?? 1) < 1);
      assert.equal(one("Requests under way", "requests"), 0);
    });

    it("shows the server's own process, and nobody else's", () => {
      const memory = one("Memory", "most");
      assert.ok(memory > 1e6 && memory < 100e6, `${memory} bytes`);
      assert.equal(one("Memory", "average"), memory);
      assert.ok(one("Open files", "most") < 0.5);
      assert.ok(one("Processor", "all") >= 0);
      assert.equal(one("Restarts", "restarts"), 0);
    });

    it("has nothing of what was run in it", async () => {
      await server.client.bash("echo private-words", { session_id: "private-session" });
      await server.client.shell("cd /tmp; : private-words", { id: "private-shell" });
      await server.client.request("GET", "/v1/private-path?private=query");
      await sleep(50);
      await scrape(75);
      assert.doesNotMatch(scrapes.at(-1)?.text ?? "private", /private|sleep|\/tmp/);
    });
  });
});
