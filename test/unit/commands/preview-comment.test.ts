// Which pull request a preview is about, and which stacks can be previewed here.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseDocument } from "yaml";

import { obstacleTo, stacksToPreview } from "../../../commands/support/previewable.js";
import { previewedCommit, pullRequestOf } from "../../../commands/support/pull-request.js";
import { UserError } from "../../../toolchain/errors.js";
import { readVariables } from "../../../commands/support/variables.js";

describe("the pull request of a preview", () => {
  let dir: string;
  let event: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), "sandlot-event-"));
    event = join(dir, "event.json");
    writeFileSync(event, JSON.stringify({ pull_request: { number: 12, head: { sha: "head-sha" } } }));
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });

  const actions = () => ({
    GITHUB_TOKEN: "t",
    GITHUB_REPOSITORY: "owner/name",
    GITHUB_EVENT_PATH: event,
    GITHUB_SHA: "merge-sha",
  });

  it("says so where the workflow's event cannot be read", () => {
    for (const path of ["/no/such/event.json", dir]) {
      assert.throws(
        () => pullRequestOf(undefined, { ...actions(), GITHUB_EVENT_PATH: path }),
        (error) =>
          error instanceof UserError && error.message.startsWith(`GITHUB_EVENT_PATH is ${path}, but`),
      );
    }
  });

  it("is the workflow's, unless another is given", () => {
    assert.deepEqual(pullRequestOf(undefined, actions()).pullRequest, {
      repository: "owner/name",
      number: 12,
    });
    assert.equal(pullRequestOf("34", actions()).pullRequest.number, 34);
    const { access } = pullRequestOf(undefined, { ...actions(), GITHUB_API_URL: "https://g.example/api/v3" });
    assert.deepEqual(access, { token: "t", apiUrl: "https://g.example/api/v3", graphqlUrl: undefined });
  });

  it("is missing with a message that names all that is missing", () => {
    assert.throws(() => pullRequestOf(undefined, {}), /missing: GITHUB_TOKEN .*GITHUB_REPOSITORY .*PR /);
    assert.throws(
      () => pullRequestOf("1", { ...actions(), GITHUB_TOKEN: "" }),
      /missing: GITHUB_TOKEN [^,]*\.$/,
    );
    assert.throws(
      () => pullRequestOf("1", { ...actions(), GITHUB_REPOSITORY: "../x/y" }),
      /missing: GITHUB_REPOSITORY/,
    );
  });

  it("is previewed at its own commit, not at the merge that is checked out", () => {
    assert.equal(previewedCommit(actions()), "head-sha");
    assert.equal(previewedCommit({ GITHUB_SHA: "other" }), "other");
    assert.equal(previewedCommit({}), undefined);
  });
});

describe("the stacks to preview", () => {
  const obstacle = (
    target: string,
    isDeployedHere = false,
    env: NodeJS.ProcessEnv = {},
  ): string | undefined =>
    obstacleTo(parseDocument(`config:\n  sandlot:target: ${target}\n`), isDeployedHere, env);

  it("are the lasting ones, not those that tests and benchmarks make for themselves", () => {
    const names = stacksToPreview({}).map(({ name }) => name);
    assert.ok(names.includes("dev"));
    assert.ok(!names.includes("test") && !names.includes("bench"));
  });

  it("need nothing where they make their cluster, or have none", () => {
    assert.equal(obstacle("{ kind: container }"), undefined);
    assert.equal(obstacle("{ kind: render, directory: out }"), undefined);
  });

  it("need their kubeconfig where the cluster is there already", () => {
    assert.match(
      obstacle("{ kind: existing, kubeconfigPath: nowhere/config }") ?? "",
      /kubeconfigPath\) is not on this machine/,
    );
    assert.match(obstacle("{ kind: existing }") ?? "", /no kubeconfig yet/);
    assert.equal(obstacle("{ kind: existing, kubeconfigPath: package.json }"), undefined);
  });

  it("need the passphrase where the kubeconfig is a secret; an empty one is what a workflow without it has", () => {
    const secret = "{ kind: existing, kubeconfig: { secure: v1:abc } }";
    assert.match(obstacle(secret) ?? "", /passphrase/);
    assert.match(obstacle(secret, false, { PULUMI_CONFIG_PASSPHRASE: "" }) ?? "", /passphrase/);
    assert.equal(obstacle(secret, false, { PULUMI_CONFIG_PASSPHRASE: "p" }), undefined);
    assert.equal(obstacle(secret, true), undefined);
  });

  it("can be named, and nothing but names is taken", () => {
    const read = (name: "STACKS" | "PR", value: string) =>
      readVariables("preview-comment", ["STACKS", "PR", "OUT"], {
        SANDLOT_VARIABLES: `${name}=${value}`,
        [name]: value,
      });
    assert.equal(read("STACKS", "dev,render").STACKS, "dev,render");
    for (const bad of ["dev,", ",dev", "dev;ls", "../x"])
      assert.throws(() => read("STACKS", bad), /STACKS is/, bad);
    for (const bad of ["0", "-1", "x", "1/2"]) assert.throws(() => read("PR", bad), /PR is/, bad);
  });
});
