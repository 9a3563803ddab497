// A context goes into the user's kubeconfig and out again; what else is in it stays.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parse } from "yaml";

import { mergeContext, removeContext, userKubeconfig } from "../../../commands/support/merge-kubeconfig.js";

interface Kubeconfig {
  "current-context"?: string;
  clusters: { name: string; cluster: { server: string } }[];
  contexts: { name: string }[];
  users: { name: string }[];
}

const config = (name: string, server: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    users: [{ name, user: { token: "t" } }],
  });

describe("kubeconfig", () => {
  let dir: string;
  let source: string;
  let target: string;
  const read = (): Kubeconfig => parse(readFileSync(target, "utf8")) as Kubeconfig;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "sandlot-kubeconfig-"));
    source = join(dir, "source");
    target = join(dir, "kube", "config");
    writeFileSync(source, config("default", "https://127.0.0.1:6443"));
  });

  afterEach(() => {
    rmSync(dir, { recursive: true });
  });

  it("makes the user's file, readable by the owner alone", () => {
    mergeContext(source, target, "sandlot-dev");
    assert.equal(read()["current-context"], "sandlot-dev");
    assert.equal(statSync(target).mode & 0o777, 0o600);
  });

  it("keeps other contexts and the current one, replaces its own, and removes only that", () => {
    mergeContext(source, target, "mine");
    mergeContext(source, target, "sandlot-dev");
    writeFileSync(source, config("default", "https://127.0.0.1:7443"));
    mergeContext(source, target, "sandlot-dev");
    assert.deepEqual(
      read().contexts.map(({ name }) => name),
      ["mine", "sandlot-dev"],
    );
    assert.equal(read()["current-context"], "mine");
    assert.equal(read().clusters[1]?.cluster.server, "https://127.0.0.1:7443");
    removeContext(target, "sandlot-dev");
    assert.deepEqual([read().contexts.length, read().users.length, read().clusters.length], [1, 1, 1]);
  });

  it("does not touch a file that is no kubeconfig", () => {
    mergeContext(source, target, "mine");
    writeFileSync(target, "- not\n- a kubeconfig\n");
    assert.throws(() => {
      mergeContext(source, target, "sandlot-dev");
    }, /is not a kubeconfig/);
    assert.equal(readFileSync(target, "utf8"), "- not\n- a kubeconfig\n");
  });

  it("begins where the file is empty, and leaves an empty one alone when it goes", () => {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, "\n");
    removeContext(target, "sandlot-dev");
    assert.equal(readFileSync(target, "utf8"), "\n");
    mergeContext(source, target, "sandlot-dev");
    assert.deepEqual(
      read().contexts.map(({ name }) => name),
      ["sandlot-dev"],
    );
  });

  it("says so where a folder has the file's name", () => {
    mkdirSync(target, { recursive: true });
    assert.throws(() => {
      mergeContext(source, target, "sandlot-dev");
    }, /is not a kubeconfig/);
  });

  it("is the first file of KUBECONFIG", () => {
    assert.equal(userKubeconfig({ KUBECONFIG: "/a:/b" }), "/a");
  });
});
