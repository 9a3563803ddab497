// What is kept of a pod: everything that is read of it, and little more.
import assert from "node:assert/strict";

import type { V1Pod } from "@kubernetes/client-node";

import { slimPod, withoutManagedFields } from "../../../provisioner/src/kubernetes/slim.js";
import { environmentOfImage } from "../../../provisioner/src/model/environment.js";
import { buildPod } from "../../../provisioner/src/model/pod.js";
import { viewOf } from "../../../provisioner/src/model/sandbox.js";

const settings = {
  namespace: "test",
  port: 9999,
  serviceAccountName: "sandbox",
  server: "sandboxd" as const,
};
const environment = environmentOfImage("default", "example/sandbox:1");
const built = buildPod(
  { name: "one", environment, claimSecret: "s", volumes: [], deadlineSeconds: 60 },
  settings,
);

/** As the API server sends it. */
const pod = Object.assign({}, built, {
  metadata: Object.assign({}, built.metadata, {
    uid: "u",
    resourceVersion: "7",
    managedFields: [{ manager: "kubelet", operation: "Update" }],
  }),
  status: {
    phase: "Running",
    podIP: "10.42.0.7",
    conditions: [{ type: "Ready", status: "True" }],
    containerStatuses: [{ name: "sandbox", started: true }],
  },
}) as unknown as V1Pod;

describe("what is kept of a pod", () => {
  it("reads as the whole pod does", () => {
    const view = viewOf(slimPod(pod));
    assert.deepEqual(view, viewOf(pod));
    assert.ok(view.kind === "idle");
    assert.equal(view.pod.port, 9999);
    assert.equal(view.pod.limits["cpu"], "1");
    assert.equal(view.pod.state, "running");
  });

  it("is not how it is run, and takes nothing from what was given", () => {
    const whole = JSON.stringify(pod);
    const slim = JSON.stringify(slimPod(pod));
    assert.doesNotMatch(slim, /managedFields|Probe|volumes|volumeMounts|securityContext":{"priv/);
    assert.equal(JSON.stringify(pod), whole);
  });

  it("is all of an object that nobody wrote down the fields of", () => {
    const object = { metadata: { name: "a" }, data: { b: "c" } };
    assert.equal(withoutManagedFields(object), object);
  });
});
