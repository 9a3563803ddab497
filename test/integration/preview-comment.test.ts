// The preview comment on real previews of real changes: our components and policies, the real engine, rendered to YAML.
import assert from "node:assert/strict";

import { comment, longestComment } from "../../previews/comment.js";
import { Redactor } from "../../previews/redactor.js";
import { hasFailed, reportOf, type EngineResult, type StackReport } from "../../previews/report.js";
import { makePreviewProject, type PreviewProject, type ProgramArgs } from "./support/preview-project.js";

const first: ProgramArgs = {
  name: "sandlot",
  image: `registry.example.com/sandbox:1.0.0@sha256:${"a".repeat(64)}`,
  replicas: 3,
  egress: "blocked",
  namespace: "boxes",
  password: "planted-password-1",
  badPod: false,
  fails: false,
};

function tell(result: EngineResult): { text: string; report: StackReport } {
  const redactor = new Redactor();
  const report = reportOf(result, redactor);
  const text = comment([report], redactor, { project: "previews" });
  assert.ok(text.length <= longestComment);
  assert.doesNotMatch(text, /planted/);
  return { text, report };
}

/** The lines about resources and fields. */
function changeLines(text: string): string[] {
  return text.split("\n").filter((line) => /^(- (⚠️ )?\*\*| {2}- )/.test(line));
}

describe("the preview comment on real previews", function () {
  this.timeout(300_000);
  let project: PreviewProject;
  let fresh: EngineResult;

  const preview = async (args: Partial<ProgramArgs>): Promise<{ text: string; report: StackReport }> =>
    tell(await project.preview(args));

  before(async () => {
    project = await makePreviewProject(first, "planted-config-secret");
    fresh = await project.preview();
    await project.up();
  });

  after(() => {
    project.remove();
  });

  it("tells a new stack, and that the policies hold", () => {
    const { text, report } = tell(fresh);
    assert.equal(report.error, undefined);
    assert.match(text, /<b>dev<\/b>: \d+ to create; a new stack: there is no state of it; /);
    assert.match(text, /^- \*\*create\*\* `Deployment` `sandlot-sandbox-deployment`$/m);
    assert.ok(report.policies.policies > 10, `${report.policies.policies} policies`);
    assert.deepEqual(
      report.policies.violations.filter(({ mandatory }) => mandatory),
      [],
    );
  });

  it("takes one line when nothing changes", async () => {
    const { text, report } = await preview({});
    assert.equal(hasFailed(report), false);
    assert.deepEqual(report.changes, []);
    assert.match(text, /<b>dev<\/b>: (no changes; )?\d+ unchanged; /);
  });

  it("tells a new image", async () => {
    const image = first.image.replace("1.0.0", "1.1.0");
    const { text } = await preview({ image });
    const lines = changeLines(text);
    assert.ok(lines.includes("- **update** `Deployment` `sandlot-sandbox-deployment`"), text);
    const change = lines.find((line) => line.includes("containers[0].image`"));
    assert.match(
      change ?? "",
      /: `registry\.example\.com\/sandbox:1\.0\.0@.*` → `registry\.example\.com\/sandbox:1\.1\.0@.*`$/,
    );
  });

  it("tells other replicas, and nothing else", async () => {
    const { text } = await preview({ replicas: 5 });
    const updates = changeLines(text).filter((line) => line.includes("Deployment"));
    assert.deepEqual(
      updates.filter((line) => !line.includes("SandboxDeployment")),
      ["- **update** `Deployment` `sandlot-sandbox-deployment`"],
    );
    assert.ok(changeLines(text).includes("  - `spec.replicas`: `3` → `5`"), text);
    assert.doesNotMatch(text, /⚠️/);
  });

  it("tells another egress profile, on the pods that it opens", async () => {
    const { text } = await preview({ egress: "open" });
    const lines = changeLines(text);
    assert.ok(lines.includes("- **update** `Deployment` `sandlot-sandbox-deployment`"), text);
    assert.ok(
      lines.some((line) => line.includes("egress") && line.endsWith(": `blocked` → `open`")),
      text,
    );
  });

  it("tells of another namespace that everything in it is replaced, and by which field", async () => {
    const { text, report } = await preview({ namespace: "others" });
    const replaced = report.counts.get("replace") ?? 0;
    assert.ok(replaced > 5, text);
    assert.equal(changeLines(text).filter((line) => line.startsWith("- ⚠️ **replace**")).length, replaced);
    assert.ok(
      changeLines(text).includes("  - `metadata.name`: `boxes` → `others` (forces the replacement)"),
      text,
    );
    assert.ok(
      changeLines(text).includes("  - `metadata.namespace`: `boxes` → `others` (forces the replacement)"),
      text,
    );
    assert.match(text, new RegExp(`⚠️ <b>dev</b>: ${replaced} to replace`));
  });

  it("tells of another logical name that all is deleted and made anew, and which would only need an alias", async () => {
    const { text, report } = await preview({ name: "renamed" });
    assert.ok((report.counts.get("delete") ?? 0) > 5);
    assert.match(
      text,
      /⚠️ \*\*delete\*\* `Namespace` `sandlot-home-namespace` \(.*"renamed-home-namespace".*alias/,
    );
    assert.match(text, /\*\*create\*\* `Namespace` `renamed-home-namespace`/);
    assert.ok(text.indexOf("**delete**") < text.indexOf("**create**"));
  });

  it("tells that secrets change without telling them: a Secret's, a marked one, and one that only its name gives away", async () => {
    const { text } = await preview({ password: "planted-password-2" });
    assert.match(text, /`Secret` `login`\n {2}- `(string)?[dD]ata.*`: changed, not shown/);
    for (const key of ["about", "NOTES_TOKEN"])
      assert.ok(
        changeLines(text).some((line) => line.startsWith(`  - \`data.${key}\`: changed, not shown`)),
        text,
      );
  });

  it("tells which policies a pod breaks, and counts as failed", async () => {
    const { text, report } = await preview({ badPod: true });
    assert.equal(report.error, undefined);
    assert.equal(hasFailed(report), true);
    assert.match(text, /❌ <b>dev<\/b>: 1 to create, .*; policies broken: [1-9]\d* mandatory/);
    assert.match(text, /^- ❌ `[\w-]+` `Pod bad`: `.*host/m);
  });

  it("tells why a program fails, without the secret of configuration in its message", async () => {
    const { text, report } = await preview({ fails: true });
    assert.equal(hasFailed(report), true);
    assert.match(text, /❌ <b>dev<\/b>: the preview failed/);
    assert.match(text, /^cannot go on with \[secret\]$/m);
  });
});
