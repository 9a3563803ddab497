// Alerts and the dashboard of sandboxes in Prometheus' own engine: every alert on series that must fire it and on series that must
// not; every query of the dashboard on what a real server exported while it was given known work.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import { alertsOf, ruleGroups } from "../../components/observability/rules.js";
import { sandboxDashboard } from "../../components/observability/sandbox-panels.js";
import { startServer, type Server } from "../unit/sandboxd/server.js";
import {
  alive,
  egressProxyCases,
  provisionerCases,
  sandboxCases,
  sandboxTarget,
  type AlertCase,
} from "./support/alert-cases.js";
import { ask, type Answers } from "./support/dashboard-answers.js";
import { buildGoProgram } from "./support/go-program.js";
import { evaluate, type Scrape } from "./support/prometheus.js";

const all = { sharedSandboxes: true, provisioner: true, egressProxy: true };
const alerts = alertsOf(all);
const cases: Readonly<Record<string, AlertCase>> = {
  ...sandboxCases,
  ...provisionerCases,
  ...egressProxyCases,
};

describe("alert rules and dashboard in Prometheus' engine", function () {
  this.timeout(600_000);
  let program: string;
  const rules = JSON.stringify(ruleGroups(all));

  before(async () => {
    program = await buildGoProgram("prometheus");
  });

  const fire = (series: readonly string[]) => evaluate(program, { series, rules, step: 30, at: 3600 });
  const without = (metric: string) => alive.filter((line) => !line.startsWith(metric));

  it("every alert is tried", () => {
    assert.deepEqual(
      Object.keys(cases),
      alerts.map(({ name }) => name),
    );
  });

  it("no alert fires where all runs and nothing happens", async () => {
    assert.deepEqual((await fire(alive)).firing, []);
  });

  for (const { name, severity } of alerts) {
    const { fires = [], at = 0, quiet = [], without: missing } = cases[name] ?? {};

    it(`${name} fires, in time and alone, and says where to look`, async () => {
      const { firing } = await fire([...(missing === undefined ? alive : without(missing)), ...fires]);
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
      if (missing === undefined) assert.match(summary, /10\.42\.0\.\d+:\d+|sandlot-system/);
    });

    it(`${name} does not fire just below its bound, nor by other servers' series`, async () => {
      assert.deepEqual((await fire([...alive, ...quiet])).firing, []);
    });
  }

  it("ProvisionerNoLeader fires where none leads too", async () => {
    const none = alive.map((line) => line.replace(/^(sandlot_provisioner_leader\S+) 1/, "$1 0"));
    assert.deepEqual(
      (await fire(none)).firing.map(({ at, labels }) => [at, labels["alertname"]]),
      [[120, "ProvisionerNoLeader"]],
    );
  });

  it("alerts of parts that a stack does not have are not there", async () => {
    const few = JSON.stringify(ruleGroups({ ...all, provisioner: false, egressProxy: false }));
    assert.deepEqual(
      (await evaluate(program, { series: [], rules: few, step: 30, at: 3600 })).firing.map(
        ({ labels }) => labels["alertname"],
      ),
      ["SandboxMetricsMissing"],
    );
  });

  it("links to pages where they are served", async () => {
    const served = JSON.stringify(ruleGroups(all, "https://git.example.com/runbooks"));
    const { firing } = await evaluate(program, { rules: served, step: 30, at: 900 });
    assert.deepEqual(
      firing[0]?.annotations["runbook_url"],
      "https://git.example.com/runbooks/SandboxMetricsMissing.md",
    );
  });

  describe("the dashboard, on what a real server exported", () => {
    let server: Server;
    const scrapes: Scrape[] = [];
    let answers: Answers;

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
      scrapes.push({ at, labels: sandboxTarget, text });
    }

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
      answers = await ask(program, sandboxDashboard, scrapes, foreign);
      assert.ok(answers.samples > 500, `${answers.samples} samples`);
    });

    after(() => server.stop());

    it("every query gives something, with the labels that its legend names", () => {
      answers.check();
    });

    it("shows commands by outcome", () => {
      // Prometheus extends what it counted between scrapes to the ends of the window, by up to an eighth here.
      assert.deepEqual(answers.counted("Commands by outcome", "outcome"), {
        succeeded: 5, // 4 and the eighth
        failed: 2,
        timed_out: 1,
        refused: 1,
        killed: 2,
      });
    });

    it("shows running commands, sessions and how full the fullest sandbox is", () => {
      assert.equal(answers.one("Running commands", "running"), 1);
      assert.equal(answers.one("Running commands", "limit"), 2);
      assert.equal(answers.one("Fullest sandbox", "commands"), 0.5);
      assert.equal(answers.one("Fullest sandbox", "shell sessions"), 1 / 32);
      assert.equal(answers.by("Sessions", "kind")["shell"], 1);
      assert.deepEqual(
        answers.answer("Sandboxes", "{{version}}").map(({ value }) => value),
        [1],
      );
    });

    it("shows output", () => {
      const output = answers.counted("Output", "kind");
      assert.equal(output["bash"], Math.round(1000 * 1.125));
      assert.equal(output["shell"], Math.round(5 * 1.125));
    });

    it("shows requests by status and their times", () => {
      const codes = answers.counted("Requests by status", "code");
      assert.deepEqual(Object.keys(codes).sort(), ["200", "403", "404", "429"]);
      assert.deepEqual([codes["403"], codes["404"], codes["429"]], [1, 1, 1]);
      assert.ok((codes["200"] ?? 0) >= 12, JSON.stringify(codes));
      const times = answers.by("Time of requests (95%)", "route");
      assert.ok((times["/v1/bash/exec"] ?? 0) > 0.1, "a command took its time limit of 0.2 s");
      assert.ok((times["/v1/sandbox"] ?? 1) < 1);
      assert.equal(answers.one("Requests under way", "requests"), 0);
    });

    it("shows the server's own process, and nobody else's", () => {
      const memory = answers.one("Memory", "most");
      assert.ok(memory > 1e6 && memory < 100e6, `${memory} bytes`);
      assert.equal(answers.one("Memory", "average"), memory);
      assert.ok(answers.one("Open files", "most") < 0.5);
      assert.ok(answers.one("Processor", "all") >= 0);
      assert.equal(answers.one("Restarts", "restarts"), 0);
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
