// The one write of a claim.
import assert from "node:assert/strict";

import { claimMetadata, claimPatch, type SandboxRequest } from "../../../provisioner/src/model/claim.js";
import type { IdlePod } from "../../../provisioner/src/model/sandbox.js";

const now = new Date("2026-01-01T00:01:40Z");
const request: SandboxRequest = {
  ...{ id: "one", tenant: "t", environment: "default", labels: { team: "x" }, env: { A: "1" } },
  ...{ secrets: { KEY: "hidden" }, lifetime: { softSeconds: 60, hardSeconds: 600 } },
  ...{ guarded: true, deerflow: false, identity: {} },
};
const pod = { podUid: "uid", createdAt: new Date("2026-01-01T00:00:00Z") } as IdlePod;

describe("the write of a claim", () => {
  const patch = claimPatch(pod, claimMetadata(request, "print", "blocked", now), now);

  it("tests first that the pod is the same and nobody's", () => {
    const tests = patch.filter(({ op }) => op === "test");
    assert.deepEqual(patch.slice(0, tests.length), tests);
    assert.deepEqual(
      tests.map(({ path, value }) => [path, value]),
      [
        ["/metadata/uid", "uid"],
        ["/metadata/labels/sandlot.dev~1state", "idle"],
      ],
    );
  });

  it("ends the pod in time, counted from its start", () => {
    const [deadline] = patch.filter(({ path }) => path === "/spec/activeDeadlineSeconds");
    assert.equal(deadline?.value, 700);
  });

  it("has the API server keep no record of who wrote which field from here on", () => {
    const [record] = patch.filter(({ path }) => path === "/metadata/managedFields");
    // An empty list would be taken for a mistake and ignored, and to replace what is not there is refused.
    assert.deepEqual(record, { op: "add", path: "/metadata/managedFields", value: [{}] });
  });

  it("has nothing of environment and secrets", () => {
    assert.doesNotMatch(JSON.stringify(patch), /hidden|KEY/);
  });
});
