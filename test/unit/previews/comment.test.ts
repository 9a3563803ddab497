// What the comment says of a preview: counts, changes with their fields, policies, errors; the grave things first.
import assert from "node:assert/strict";

import { comment, marker } from "../../../previews/comment.js";
import { Redactor } from "../../../previews/redactor.js";
import { hasFailed, reportOf } from "../../../previews/report.js";
import {
  changed,
  commentOn,
  created,
  deleted,
  deploymentType,
  run,
  urn,
  violation,
} from "./preview-fixture.js";

const deployment = (image: string, replicas: number, name = "sandbox"): object => ({
  metadata: { name, annotations: { "example.com/a.b": image } },
  spec: { replicas, template: { spec: { containers: [{ name: "sandbox", image }] } } },
});

describe("the preview comment", () => {
  it("tells fields with their old and new values", () => {
    const paths = {
      "spec.replicas": "update",
      "spec.template.spec.containers[0].image": "update",
      'metadata.annotations["example.com/a.b"]': "update",
    };
    const text = commentOn(
      run(
        [
          changed(
            "update",
            deploymentType,
            "sandlot-sandbox",
            deployment("img:1", 2),
            deployment("img:2", 3),
            paths,
          ),
        ],
        {
          same: 40,
        },
      ),
    );
    assert.match(text, /<summary><b>dev<\/b>: 1 to update, 40 unchanged<\/summary>/);
    assert.match(text, /^- \*\*update\*\* `Deployment` `sandlot-sandbox`$/m);
    assert.match(text, /^ {2}- `spec\.replicas`: `2` → `3`$/m);
    assert.match(text, /^ {2}- `spec\.template\.spec\.containers\[0\]\.image`: `img:1` → `img:2`$/m);
    assert.match(text, /^ {2}- `metadata\.annotations\["example\.com\/a\.b"\]`: `img:1` → `img:2`$/m);
  });

  it("tells fields that come and go", () => {
    const paths = { "spec.a": "add", "spec.b": "delete", "spec.c": "add" };
    const text = commentOn(
      run([
        changed(
          "update",
          deploymentType,
          "x",
          { spec: { b: "old" } },
          { spec: { a: [1, { k: "v" }], c: "" } },
          paths,
        ),
      ]),
    );
    assert.match(text, /`spec\.a`: added `\[1, \{k: "v"\}\]`/);
    assert.match(text, /`spec\.b`: removed `old`/);
    assert.match(text, /`spec\.c`: added `""`/);
  });

  it("shows of long values what is around the difference", () => {
    const [before, after] = ["one", "two"].map((end) => ({
      spec: { x: `${"same ".repeat(50)}then ${end}` },
    }));
    const text = commentOn(
      run([changed("update", deploymentType, "x", before ?? {}, after ?? {}, { "spec.x": "update" })]),
    );
    assert.match(text, /`spec\.x`: `…[same ]+then one` → `…[same ]+then two`/);
    assert.doesNotMatch(text, /(same ){10}/);
  });

  it("puts replacements and deletions first, marks them, and says which field forces a replacement", () => {
    const text = commentOn(
      run([
        created("kubernetes:core/v1:Service", "new"),
        changed("update", deploymentType, "updated", deployment("a", 1), deployment("a", 2), {
          "spec.replicas": "update",
        }),
        deleted("kubernetes:core/v1:Namespace", "gone"),
        changed("replace", deploymentType, "replaced", deployment("a", 1, "a"), deployment("a", 2, "b"), {
          "spec.replicas": "update",
          "metadata.name": "update-replace",
        }),
      ]),
    );
    const order = [
      "⚠️ **replace** `Deployment` `replaced`",
      "⚠️ **delete** `Namespace` `gone`",
      "**update**",
      "**create**",
    ];
    const places = order.map((each) => text.indexOf(`- ${each}`));
    assert.ok(places.every((place) => place > 0));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.match(
      text,
      /<summary>⚠️ <b>dev<\/b>: 1 to replace, 1 to delete, 1 to update, 1 to create<\/summary>/,
    );
    assert.match(
      text,
      /replaced`\n {2}- `metadata\.name`: `a` → `b` \(forces the replacement\)\n {2}- `spec\.replicas`/,
    );
  });

  it("tells the parts of a replacement as one", () => {
    const parts = ["create-replacement", "replace", "delete-replaced"].map((op) =>
      changed(op, deploymentType, "x", deployment("a", 1, "a"), deployment("a", 1, "b"), {
        "metadata.name": "update-replace",
      }),
    );
    const text = commentOn(run(parts));
    assert.equal(text.match(/\*\*replace\*\*/g)?.length, 1);
  });

  it("finds the fields itself where the provider tells none, as for components", () => {
    const text = commentOn(
      run([
        changed(
          "update",
          "sandlot:index:SandboxPlatform",
          "sandlot",
          { a: { b: [1, 2], c: 3 } },
          { a: { b: [1, 5], c: 3 } },
          null,
        ),
      ]),
    );
    assert.match(text, /`a\.b\[1\]`: `2` → `5`/);
    assert.doesNotMatch(text, /`a\.c`/);
  });

  it("names the properties where neither tells how they differ", () => {
    const step = {
      ...changed("update", deploymentType, "x", { a: 1 }, { a: 1 }, null),
      diffReasons: ["provider"],
    };
    assert.match(commentOn(run([step])), /`provider`: changed, not shown/);
  });

  it("leaves out what providers keep for themselves", () => {
    const text = commentOn(
      run([
        changed(
          "update",
          deploymentType,
          "x",
          { __fieldManager: "a", n: 1 },
          { __fieldManager: "b", n: 2 },
          { __fieldManager: "update", n: "update" },
        ),
      ]),
    );
    assert.match(text, /`n`: `1` → `2`/);
    assert.doesNotMatch(text, /__fieldManager/);
  });

  it("says of a deletion that it is protected, or that the object stays where it runs", () => {
    const text = commentOn(
      run([
        deleted("kubernetes:core/v1:Namespace", "a", {}, { protect: true }),
        deleted("kubernetes:core/v1:PersistentVolume", "b", {}, { retainOnDelete: true }),
      ]),
    );
    assert.match(text, /`a` \(`protected: the engine will refuse`\)/);
    assert.match(text, /`b` \(`leaves the stack, is not deleted where it runs`\)/);
  });

  it("tells a resource that is only no longer protected", () => {
    const type = "kubernetes:core/v1:Namespace";
    const states = { oldState: { type, inputs: {}, protect: true }, newState: { type, inputs: {} } };
    const text = commentOn(run([{ op: "same", urn: urn(type, "ns"), ...states }]));
    assert.match(text, /\*\*option\*\* `Namespace` `ns`\n {2}- `protect`: `true` → `false`/);
  });

  it("recognises a resource that was only renamed", () => {
    const inputs = (name: string): object => ({
      metadata: { name, labels: { app: "a" } },
      spec: { replicas: 2 },
    });
    const steps = [
      deleted(deploymentType, "old", inputs("old")),
      created(deploymentType, "new", inputs("new")),
    ];
    assert.match(commentOn(run(steps)), /`old` \(`"new", which is created, differs in name only: an alias/);
    const other = [
      deleted(deploymentType, "old", inputs("old")),
      created(deploymentType, "new", { spec: {} }),
    ];
    assert.doesNotMatch(commentOn(run(other)), /differs in name only/);
  });

  it("takes one line for a stack without changes", () => {
    const stackStep = {
      op: "same",
      urn: "urn:pulumi:dev::sandlot::pulumi:pulumi:Stack::sandlot-dev",
      oldState: {},
      newState: {},
    };
    const result = {
      ...run([], { same: 41 }),
      stdout: JSON.stringify({ steps: [stackStep], changeSummary: { same: 41 } }),
    };
    const text = commentOn(result);
    assert.match(text, /^<b>dev<\/b>: no changes; 41 unchanged$/m);
    assert.doesNotMatch(text, /<details>/);
  });

  it("says that a stack is new", () => {
    const root = "urn:pulumi:dev::sandlot::pulumi:pulumi:Stack::sandlot-dev";
    const text = commentOn(run([{ op: "create", urn: root, newState: {} }, created(deploymentType, "x")]));
    assert.match(text, /2 to create; a new stack: there is no state of it/);
  });

  it("tells the policies' results, mandatory ones first, and that the stack cannot be updated", () => {
    const events = [
      violation(
        "image-digests",
        "Images are named by digest.\nThe container c is not.",
        "advisory",
        urn(deploymentType, "x"),
      ),
      violation("no-host-access", "No host paths", "mandatory", urn(deploymentType, "x")),
      violation("default-deny", "There is no default deny"),
      '{"sequence":2,"policyAnalyzeSummaryEvent":{"passed":["p1","p2"],"failed":["no-host-access"]}}',
      '{"sequence":3,"policyEvent":{"cut off',
    ].join("\n");
    const diagnostics = [{ severity: "error", message: "error: preview failed\n" }];
    const result = run([], { same: 1, exitCode: 255, events, diagnostics });
    const text = commentOn(result);
    assert.match(
      text,
      /<summary>❌ <b>dev<\/b>: 1 unchanged; policies broken: 2 mandatory, 1 advisory<\/summary>/,
    );
    assert.match(text, /- ❌ `no-host-access` `Deployment x`: `No host paths`/);
    assert.match(text, /- ❌ `default-deny`: `There is no default deny`/);
    assert.match(
      text,
      /- `image-digests` `Deployment x`: `Images are named by digest\. The container c is not\.`/,
    );
    assert.ok(text.indexOf("no-host-access") < text.indexOf("image-digests"));
    assert.doesNotMatch(text, /preview failed/);
    assert.equal(hasFailed(reportOf(result, new Redactor())), true);
  });

  it("says how many policies hold", () => {
    const events = '{"policyAnalyzeStackSummaryEvent":{"passed":["a","b","c"]}}';
    assert.match(commentOn(run([], { same: 3, events })), /no changes; 3 unchanged; 3 policies hold$/m);
  });

  it("tells why a preview failed, without colours and stack trace, and what it came to until then", () => {
    const message =
      "error: Running program 'index.ts' failed:\nError: boom\n    at Object.<anonymous> \u001b[90m(index.js:9)\u001b[39m\n";
    const diagnostics = [
      { severity: "warning", message: "warning: nothing" },
      { severity: "error", message },
    ];
    const result = run([created(deploymentType, "x")], { exitCode: 255, diagnostics });
    const text = commentOn(result);
    assert.match(text, /❌ <b>dev<\/b>: the preview failed; until then 1 to create/);
    assert.match(text, /^```text\nRunning program 'index\.ts' failed:\nError: boom\n```$/m);
    assert.equal(hasFailed(reportOf(result, new Redactor())), true);
  });

  it("tells of an engine that gave no preview what it said instead, or that it said nothing", () => {
    const early = {
      stack: "dev",
      exitCode: 255,
      stdout: "",
      stderr: "error: no stack named 'dev' found\n",
      events: "",
    };
    assert.match(commentOn(early), /no stack named 'dev' found/);
    assert.match(commentOn({ ...early, stderr: "" }), /the engine ended with status 255 and gave no reason/);
    assert.match(commentOn({ ...early, exitCode: 0, stdout: '{"steps": 1}' }), /the preview failed/);
    const half = '{"steps": [{"op": "create", "newState": {"inputs": {"data": "half-of-a-secret';
    assert.doesNotMatch(commentOn({ ...early, stdout: half, stderr: "" }), /half-of/);
  });

  it("begins with the project's marker, and names the commit and the stacks that were not previewed", () => {
    const omitted = [{ stack: "production", reason: "its kubeconfig is not on this machine" }];
    const text = comment([], new Redactor(), { project: "sandlot", commit: "0123456789abcdef0123", omitted });
    assert.ok(text.startsWith(`${marker("sandlot")}\n`));
    assert.match(text, /at commit `0123456789ab`\./);
    assert.match(text, /<b>production<\/b>: not previewed: `its kubeconfig is not on this machine`/);
    assert.notEqual(marker("sandlot"), marker("other"));
  });
});
