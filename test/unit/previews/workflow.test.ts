// The workflow hands secrets and the right to write to nobody who should not have them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { parse } from "yaml";

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly if: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly "timeout-minutes": number;
  readonly env?: unknown;
  readonly steps: readonly Step[];
}

const source = readFileSync(new URL("../../../.github/workflows/preview.yaml", import.meta.url), "utf8");
const workflow = parse(source) as {
  readonly on: unknown;
  readonly permissions: unknown;
  readonly env?: unknown;
  readonly jobs: Readonly<Record<"comment" | "summary", Job>>;
};
const { comment, summary } = workflow.jobs;
const jobs = Object.values(workflow.jobs);
const steps = jobs.flatMap((job) => job.steps);

describe("the preview workflow", () => {
  it("runs for pull requests, never as pull_request_target", () => {
    assert.equal(workflow.on, "pull_request");
    assert.doesNotMatch(source.replace(/^\s*#.*$/gm, ""), /pull_request_target|workflow_run/);
  });

  it("comments on pull requests from the repository itself alone; those from forks take the other job", () => {
    assert.equal(comment.if, "github.event.pull_request.head.repo.full_name == github.repository");
    assert.equal(summary.if, "github.event.pull_request.head.repo.full_name != github.repository");
    assert.deepEqual(Object.keys(workflow.jobs).sort(), ["comment", "summary"]);
  });

  it("grants each job what it needs and no more", () => {
    assert.deepEqual(workflow.permissions, {});
    assert.deepEqual(comment.permissions, { contents: "read", "pull-requests": "write" });
    assert.deepEqual(summary.permissions, { contents: "read" });
  });

  it("gives forks no secret and no token", () => {
    assert.doesNotMatch(JSON.stringify(summary), /secrets\.|github\.token|GITHUB_TOKEN/);
    assert.ok(summary.steps.some(({ run }) => run === 'make preview-comment OUT="$GITHUB_STEP_SUMMARY"'));
  });

  it("shows the token to the step that comments alone, and keeps it out of the checkout", () => {
    assert.equal(workflow.env, undefined);
    for (const { env } of jobs) assert.equal(env, undefined);
    const holders = steps.filter(({ env }) => env?.["GITHUB_TOKEN"] !== undefined);
    assert.deepEqual(
      holders.map(({ run }) => run),
      ["make preview-comment"],
    );
    const checkouts = steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"));
    assert.equal(checkouts.length, 4);
    for (const each of checkouts) assert.equal(each.with?.["persist-credentials"], false);
  });

  it("takes every action by commit, with its version beside it", () => {
    const uses = [...source.matchAll(/uses: (.*)$/gm)].map(([, text = ""]) => text);
    assert.equal(uses.length, steps.filter((step) => step.uses !== undefined).length);
    for (const each of uses) assert.match(each, /^actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("puts nothing that a pull request's author chooses into a script", () => {
    for (const { run = "" } of steps) assert.doesNotMatch(run, /\$\{\{/);
  });

  it("does the same for forks, but for the comment, and ends by itself", () => {
    const uses = (job: Job) =>
      job.steps.map((step) => step.uses ?? step.run?.split(" ").slice(0, 2).join(" "));
    assert.deepEqual(uses(summary), uses(comment));
    for (const job of jobs) assert.ok(job["timeout-minutes"] <= 60);
  });
});
