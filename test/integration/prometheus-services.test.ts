// The dashboards of the provisioner and the egress proxy in Prometheus' own engine, on what the real services exported while they
// were given known work.
import assert from "node:assert/strict";

import { egressProxyDashboard } from "../../components/observability/egress-proxy-panels.js";
import { provisionerDashboard } from "../../components/observability/provisioner-panels.js";
import { ask, type Answers } from "./support/dashboard-answers.js";
import { buildGoProgram } from "./support/go-program.js";
import type { Scrape } from "./support/prometheus.js";

/** Loaded late: mocha tries to require a file before it imports it, and the provisioner's schemas may be there once only. */
const services = () => import("./support/recorded-services.js");

/** What Prometheus extends counts by that it saw between its first and last scrape, here by an eighth. */
const extended = (count: number): number => Math.round(count * 1.125);

describe("dashboards of services in Prometheus' engine", function () {
  this.timeout(600_000);
  let program: string;

  before(async () => {
    program = await buildGoProgram("prometheus");
  });

  describe("the provisioner's, on what two replicas exported", () => {
    let scrapes: Scrape[];
    let answers: Answers;

    before(async () => {
      scrapes = await (await services()).recordProvisioner();
      const foreign = ["process_resident_memory_bytes", "process_cpu_seconds_total"].map(
        (name) => `${name}{instance="db",job="db"} 9e12+0x8`,
      );
      answers = await ask(program, provisionerDashboard, scrapes, foreign);
      assert.ok(answers.samples > 1000, `${answers.samples} samples`);
    });

    it("every query gives something, with the labels that its legend names", () => {
      answers.check();
    });

    it("shows creates by outcome, and how long they took", () => {
      const outcomes = answers.counted("Creates by outcome", "outcome");
      const happened = Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0));
      assert.deepEqual(happened, {
        warm: extended(2),
        cold: extended(1),
        existed: extended(1),
        "unknown-environment": extended(1),
      });
      assert.ok(
        "internal" in outcomes && "unavailable" in outcomes,
        "series are there before the first event",
      );
      const warm = answers.one("Time of creates", "warm 95%");
      assert.ok(warm > 0 && warm < 1, `${warm} s`);
      assert.equal(answers.counted("Claims lost", "environment")["pooled"], extended(1));
    });

    it("shows sandboxes and pools once, however many replicas see them", () => {
      // Of each round, the warm and the cold one live.
      assert.deepEqual(answers.by("Sandboxes by tenant", "tenant"), { default: 4 });
      assert.equal(answers.by("Sandboxes by state", "state")["running"], 4);
      assert.equal(answers.one("Room", "pods"), 4 + 3);
      assert.equal(answers.one("Room", "limit"), 500);
      const pool = answers
        .answer("Idle pods", "{{environment}} {{state}}")
        .filter(({ labels }) => labels["environment"] === "pooled")
        .map(({ labels, value }) => [labels["state"], value]);
      assert.deepEqual(Object.fromEntries(pool), { desired: 3, starting: 0, running: 3, failed: 0 });
    });

    it("shows what was made, removed, and could not be made", () => {
      assert.equal(answers.counted("Reaped", "reason")["failed"], extended(1));
      const made = (legend: string) => Math.round(answers.one("Pods made and removed", legend) * 120);
      assert.deepEqual(
        ["made", "removed", "could not be made"].map(made),
        // Two were claimed and one failed.
        [extended(3), extended(1), extended(1)],
      );
    });

    it("shows callers, those that are refused, and traffic into sandboxes", () => {
      const status = answers.counted("Calls by status", "status");
      assert.equal(status["201"], extended(3));
      assert.equal(status["422"], extended(1));
      // One without a key of the API's, one without the router's.
      assert.deepEqual(answers.counted("Calls refused", "status"), { "401": extended(2) });
      assert.deepEqual(answers.counted("Not routed", "reason"), { unauthorized: extended(1) });
      const [passed, ...more] = answers.answer("Traffic into sandboxes", "{{kind}} {{code}}");
      assert.deepEqual([passed?.labels["kind"], passed?.labels["code"], more], ["api", "2xx", []]);
      assert.equal(answers.by("Open into sandboxes", "kind")["api"], 0);
      const routes = Object.keys(answers.by("Time of calls (95%)", "route"));
      assert.ok(routes.includes("/v1/sandboxes"), routes.join());
      assert.ok(!routes.some((route) => route.startsWith("/sandboxes/")), routes.join());
    });

    it("shows the cluster: requests, watches, and one leader", () => {
      const status = answers.counted("Requests to the API server", "status");
      assert.equal(status["500"], extended(1));
      assert.equal(status["422"], extended(1));
      const cut = answers
        .answer("Watches cut, lists fetched", "cut {{resource}}")
        .map(({ labels, value }) => [labels["resource"], Math.round(value * 120)]);
      // Of both replicas.
      assert.deepEqual(Object.fromEntries(cut), { pods: extended(2), configmaps: extended(2) });
      const leaders = answers.answer("Leader", "{{instance}}").map(({ value }) => value);
      assert.deepEqual(leaders.sort(), [0, 1]);
      assert.deepEqual(
        answers.answer("Watches stand", "{{instance}}").map(({ value }) => value),
        [1, 1],
      );
    });

    it("shows the replicas' own processes, and nobody else's", () => {
      const memory = answers.answer("Memory", "{{instance}}").map(({ value }) => value);
      assert.equal(memory.length, 2);
      assert.ok(
        memory.every((bytes) => bytes > 1e6 && bytes < 2e9),
        memory.join(),
      );
    });

    it("has no id, key or token", () => {
      const text = scrapes.map((each) => each.text).join("\n");
      assert.doesNotMatch(text, /warm-1|lost-1|0123456789abcdef/);
    });
  });

  describe("the egress proxy's, on what a real one exported", () => {
    let scrapes: Scrape[];
    let answers: Answers;

    before(async function () {
      const recorded = await (await services()).recordEgressProxy();
      if (recorded === undefined) return this.skip();
      scrapes = recorded;
      answers = await ask(program, egressProxyDashboard, scrapes);
    });

    it("every query gives something, with the labels that its legend names", () => {
      answers.check();
    });

    it("shows connections, refusals by reason, and the watch, from the first of them on", () => {
      // Counters that begin at nothing are not extended beyond their first scrape.
      const counts = (title: string, label: string) =>
        Object.fromEntries(Object.entries(answers.counted(title, label)).filter(([, count]) => count > 0));
      assert.deepEqual(counts("Connections let through", "kind"), { tunnel: 1, request: 1 });
      assert.deepEqual(counts("Refusals", "reason"), { not_allowed: 2, unknown_caller: 1 });
      assert.equal(answers.one("Open connections", "open"), 0);
      assert.equal(answers.by("Watches stand", "instance")["10.42.0.10:8081"], 1);
      assert.equal(Math.round(answers.one("Watches cut", "cut") * 120), 1);
    });

    it("tells no host and no sandbox", () => {
      assert.doesNotMatch(scrapes.at(-1)?.text ?? "one", /example|127\.0\.0|"one"/);
    });
  });
});
