// How scorers' outputs are read and shown.
import assert from "node:assert/strict";

import { parseDocument } from "yaml";

import { mergePatch } from "../../../commands/support/overlay.js";
import { readStackFile } from "../../../commands/support/stack-file.js";
import { exceptions } from "../../../bench/scorers/exceptions.js";
import { renderPatch } from "../../../bench/rendering.js";
import { stacksToPreview } from "../../../commands/support/previewable.js";
import { parseConfig } from "../../../infra/config/load.js";
import {
  readCheckov,
  readKubeScore,
  readKubesec,
  readPodSecurity,
  readTrivy,
} from "../../../bench/scorers/score.js";
import { formatFindings, formatScores, ownFindings, type Scores } from "../../../bench/scorers/table.js";
import { read } from "../docs/documents.js";

describe("scorers", () => {
  it("Pod Security counts by the least of all workloads", () => {
    const bad = { reason: "privileged", detail: 'container "c" must not' };
    const output = JSON.stringify([
      { object: "Deployment/a", level: "restricted", checks: 18, violations: [] },
      { object: "DaemonSet/b", level: "baseline", checks: 18, violations: [bad] },
    ]);
    assert.deepEqual(readPodSecurity(output), {
      checks: 36,
      findings: [{ check: "privileged", object: "DaemonSet/b", message: 'container "c" must not' }],
      verdict: "baseline",
    });
    assert.equal(readPodSecurity("[]").verdict, "no pods");
  });

  it("kube-score counts warnings and worse, but nothing that it skipped", () => {
    const check = (id: string, grade: number, skipped = false) => ({
      check: { id, name: id },
      grade,
      skipped,
      comments: grade === 10 ? null : [{ summary: `${id} is missing` }],
    });
    const output = JSON.stringify([
      {
        type_meta: { kind: "Deployment" },
        object_meta: { name: "a" },
        checks: [
          check("good", 10),
          check("nearly", 7),
          check("warned", 5),
          check("bad", 1),
          check("off", 1, true),
        ],
      },
    ]);
    const { checks, findings } = readKubeScore(output);
    assert.equal(checks, 4);
    assert.deepEqual(findings, [
      { check: "warned", object: "Deployment/a", message: "warned is missing" },
      { check: "bad", object: "Deployment/a", message: "bad is missing" },
    ]);
  });

  it("kubesec counts the points of the worst workload, and no object that it has no rules for", () => {
    const rule = (id: string) => ({ id, selector: "", reason: `${id}!`, points: 1 });
    const output = JSON.stringify([
      { object: "Deployment/a.default", score: 7, scoring: { passed: [rule("x")], advise: [rule("y")] } },
      { object: "Deployment/b.default", score: -30, scoring: { critical: [rule("z")] } },
      { object: "Service/a.default", score: 0, scoring: {} },
    ]);
    assert.deepEqual(readKubesec(output), {
      checks: 3,
      findings: [
        { check: "y", object: "Deployment/a", message: "y!" },
        { check: "z", object: "Deployment/b", message: "z!" },
      ],
      verdict: "-30 points",
    });
  });

  it("trivy names the object", () => {
    const result = {
      check: "KSV014",
      severity: "HIGH",
      message: "m",
      file: "Deployment-a-b.yaml",
      passed: false,
    };
    assert.deepEqual(readTrivy(JSON.stringify([result, { ...result, passed: true }])), {
      checks: 2,
      findings: [{ check: "KSV014", object: "Deployment/a-b", message: "high: m" }],
    });
  });

  it("checkov may have nothing to say", () => {
    const failed = { check_id: "CKV_K8S_1", check_name: "n", resource: "Pod.default.a" };
    assert.deepEqual(
      readCheckov(
        JSON.stringify({ results: { failed_checks: [failed] }, summary: { passed: 2, failed: 1 } }),
      ),
      { checks: 3, findings: [{ check: "CKV_K8S_1", object: "Pod.default.a", message: "n" }] },
    );
    assert.deepEqual(readCheckov('{"passed": 0}'), { checks: 0, findings: [] });
  });
});

describe("the scorers' table", () => {
  const finding = (check: string) => ({ check, object: "Deployment/a", message: `${check}!` });
  const rows: Scores[] = [
    {
      scorer: "kube-score",
      scores: {
        reference: { checks: 9, findings: [finding("worse"), finding("bad")] },
        dev: { checks: 12, findings: [finding("bad")], verdict: "7 points" },
        production: { checks: 12, findings: [finding("bad"), finding("meant")] },
      },
    },
  ];

  it("has a column for each set of manifests", () => {
    assert.deepEqual(formatScores(rows).split("\n"), [
      "checks not passed  reference  dev                production",
      "─────────────────  ─────────  ─────────────────  ──────────",
      "kube-score         2 of 9     1 of 12, 7 points  2 of 12",
    ]);
  });

  it("lists what is wrong with ours, what nobody has accounted for first", () => {
    const known = [{ scorer: "kube-score", check: "meant", reason: "it is meant so" }];
    const found = ownFindings(rows, known);
    assert.deepEqual(
      found.map(({ check, stacks, reason }) => [check, stacks, reason]),
      [
        ["bad", ["dev", "production"], undefined],
        ["meant", ["production"], "it is meant so"],
      ],
    );
    assert.equal(
      formatFindings(found),
      "✗ kube-score bad: Deployment/a (dev, production)\n    bad!\n" +
        "· kube-score meant: Deployment/a (production)\n    it is meant so",
    );
  });

  it("takes what is meant of one object for no other", () => {
    const found = (...objects: string[]): (string | undefined)[] => {
      const findings = objects.map((object) => ({ check: "bad", object, message: "bad!" }));
      const scores = [{ scorer: "trivy", scores: { dev: { checks: 1, findings } } }];
      const known = [{ scorer: "trivy", check: "bad", reason: "so", only: "a" }];
      return ownFindings(scores, known).map(({ reason }) => reason);
    };
    assert.deepEqual(found("Deployment/a", "Deployment.default.a"), ["so"]);
    assert.deepEqual(found("Deployment/a", "Deployment/b"), [undefined]);
  });
});

describe("what scorers find and is meant so", () => {
  it("is in docs/scorers.md, and nothing else is", () => {
    const rows = [...read("docs/scorers.md").matchAll(/^\| ([\w -]+?) +\| `([^`]+)` +\| (.+?) +\|$/gm)];
    assert.deepEqual(
      rows.map(([, scorer, check, reason]) => ({ scorer, check, reason })),
      exceptions.map(({ only, reason, ...each }) => ({
        ...each,
        reason: only === undefined ? reason : `of \`${only}\` alone: ${reason}`,
      })),
    );
  });
});

describe("a stack to be rendered for scorers", () => {
  for (const { name } of stacksToPreview()) {
    it(`is one that the program takes: ${name}`, () => {
      const config = patched(name) as Record<string, unknown>;
      const entries = Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)]);
      parseConfig(Object.fromEntries(entries) as Record<string, string>);
      const { image, existingSecret } = config["sandlot:provisioner"] as Record<string, unknown>;
      assert.match(String(image), /^registry\.example\.com\/team\/provisioner[:@]/);
      assert.equal(existingSecret, "provisioner-keys");
    });
  }

  const patched = (stack: string): unknown => {
    const document = readStackFile(stack);
    mergePatch(document, renderPatch(document, "/tmp/x"));
    return (parseDocument(String(document)).toJS() as { config: unknown }).config;
  };

  it("keeps what it says of sandboxes, and loses its cluster", () => {
    const config = patched("production") as Record<string, Record<string, unknown> | undefined>;
    assert.deepEqual(config["sandlot:target"], { kind: "render", directory: "/tmp/x" });
    const { replicas, image } = config["sandlot:sandbox"] ?? {};
    assert.equal(replicas, 3);
    assert.match(String(image), /@sha256:/);
    assert.ok(!("kubernetes:strictMode" in config));
  });

  it("loses what only a cluster in a container has", () => {
    const config = patched("dev") as Record<string, Record<string, unknown> | undefined>;
    assert.ok(!("sandlot:cluster" in config) && !("sandlot:skills" in config));
    assert.ok(!("hostPort" in (config["sandlot:sandbox"] ?? {})));
    assert.equal(config["sandlot:sandbox"]?.["nodePort"], 30080);
  });

  it("keeps an image that it names", () => {
    const config = patched("render") as Record<string, Record<string, unknown> | undefined>;
    assert.equal(config["sandlot:sandbox"]?.["image"], "registry.example.com/team/sandbox:0.1.0");
  });
});
