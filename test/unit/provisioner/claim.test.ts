// The one write of a claim.
import assert from "node:assert/strict";

import {
  claimMetadata,
  claimPatch,
  type PatchOperation,
  type SandboxRequest,
} from "../../../provisioner/src/model/claim.js";
import { hasTime, idleDeadline } from "../../../provisioner/src/model/deadline.js";
import type { IdlePod } from "../../../provisioner/src/model/sandbox.js";

const now = new Date("2026-01-01T00:01:40Z");
const request: SandboxRequest = {
  ...{ id: "one", tenant: "t", environment: "default", labels: { team: "x" }, env: { A: "1" } },
  ...{ secrets: { KEY: "hidden" }, lifetime: { softSeconds: 60, hardSeconds: 600 } },
  ...{ guarded: true, deerflow: false, identity: {} },
};
const pod = { podUid: "uid", createdAt: new Date("2026-01-01T00:00:00Z") } as IdlePod;

const deadlineOf = (patch: readonly PatchOperation[]): unknown =>
  patch.find(({ path }) => path === "/spec/activeDeadlineSeconds")?.value;

describe("the write of a claim", () => {
  const rules = { hardSeconds: 600, maxAgeSeconds: 300 };
  const claim = claimMetadata(request, "print", "blocked", now);
  const patch = claimPatch(pod, claim, now);

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
    assert.equal(deadlineOf(patch), 700);
  });

  it("leaves the pod's own deadline, which the kubelet would answer a change of, where it is near enough", () => {
    const write = (deadlineSeconds: number, hardSeconds = 600): unknown =>
      deadlineOf(claimPatch({ ...pod, deadlineSeconds }, { ...claim, hardSeconds }, now));
    const own = idleDeadline(rules);
    assert.equal(write(own), undefined);
    assert.equal(write(7_900), undefined);
    assert.equal(write(7_901), 700, "made when lives or pools were longer");
    assert.equal(write(7_900, 599), 699, "a shorter life than the longest");
  });

  it("gives idle pods time for the longest sandbox, also where the pool could not be renewed for an hour", () => {
    const own = { deadlineSeconds: idleDeadline(rules) };
    assert.ok(hasTime(own, rules.maxAgeSeconds + 3_600, rules.hardSeconds));
    assert.ok(!hasTime(own, rules.maxAgeSeconds + 3_601, rules.hardSeconds));
    assert.ok(hasTime({ deadlineSeconds: undefined }, 1e9, rules.hardSeconds));
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
