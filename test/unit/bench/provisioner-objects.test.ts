// The provisioner that is measured is the stack's but for where it is, and the fleet's sandboxes are sandboxes to it.
import assert from "node:assert/strict";

import { fakePod } from "../../../bench/provisioner/fake-pods.js";
import { environmentRecord, provisionerPod, runtimeOf, walls } from "../../../bench/provisioner/manifests.js";
import { viewOf } from "../../../provisioner/src/model/sandbox.js";

const from = { home: "sandlot", system: "sandlot-system" };
const to = { home: "bench", system: "bench-system" };

describe("the provisioner of the benchmarks", () => {
  const container = {
    name: "provisioner",
    image: "sandlot/provisioner:1",
    resources: { limits: { memory: "512Mi" } },
    securityContext: { readOnlyRootFilesystem: true },
    env: [
      { name: "LOG_LEVEL", value: "info" },
      { name: "K8S_NAMESPACE", value: "sandlot" },
      { name: "SKILLS_PVC_NAME", value: "skills" },
      { name: "API_KEYS_FILE", value: "/etc/sandlot/keys/api-keys.json" },
    ],
    volumeMounts: [{ name: "keys", mountPath: "/etc/sandlot/keys" }],
  };
  const securityContext = { runAsNonRoot: true };
  const template = { spec: { securityContext, containers: [container] } };
  const deployment = { spec: { selector: {}, template } };
  const { spec } = provisionerPod(deployment, to, {
    apiKey: "k".repeat(16),
    maxSandboxes: 7,
    url: "http://a:1",
  });
  const [own] = spec?.containers ?? [];

  it("has the image, limits and security context of the stack's", () => {
    assert.deepEqual(spec?.securityContext, securityContext);
    const { image, resources, securityContext: inside } = container;
    assert.deepEqual(
      { image: own?.image, resources: own?.resources, securityContext: own?.securityContext },
      { image, resources, securityContext: inside },
    );
  });

  it("is told of its own namespace and key, and of no volume that is not there", () => {
    assert.deepEqual(
      own?.env?.map(({ name, value }) => `${name}=${value ?? ""}`),
      [
        "LOG_LEVEL=info",
        "K8S_NAMESPACE=bench",
        "SANDBOX_SERVICE_TYPE=Router",
        "ROUTER_URL=http://a:1",
        "MAX_SANDBOXES=7",
        `PROVISIONER_API_KEY=${"k".repeat(16)}`,
      ],
    );
    assert.deepEqual(own.volumeMounts, []);
  });

  it("stands behind the stack's walls, moved to its namespaces", () => {
    const peer = (name: string) => ({
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
    });
    const spec = { podSelector: {}, ingress: [{ _from: [peer("sandlot-system"), peer("kube-system")] }] };
    const [copy, gap] = walls([{ metadata: { name: "in", namespace: "sandlot" }, spec }], from, to);
    assert.deepEqual(copy, {
      metadata: { name: "in", namespace: "bench" },
      spec: { podSelector: {}, ingress: [{ _from: [peer("bench-system"), peer("kube-system")] }] },
    });
    assert.equal(gap?.metadata?.namespace, "bench");
  });

  it("has the environment with another pool and smaller requests, its limits as they were", () => {
    const record = {
      name: "default",
      resources: { requests: { cpu: "100m" }, limits: { cpu: "1" } },
      pool: { size: 2 },
    };
    assert.deepEqual(JSON.parse(environmentRecord(JSON.stringify(record), 9)), {
      name: "default",
      resources: {
        requests: { cpu: "5m", memory: "32Mi", "ephemeral-storage": "32Mi" },
        limits: { cpu: "1" },
      },
      pool: { size: 9 },
    });
  });

  it("has the environment in its own runtime, or in the nodes' ordinary one", () => {
    const record = JSON.stringify({ name: "default", runtimeClassName: "gvisor" });
    assert.equal(runtimeOf(record), "gvisor");
    assert.equal(runtimeOf(environmentRecord(record, 1)), "gvisor");
    assert.equal(runtimeOf(environmentRecord(record, 1, "ordinary")), undefined);
  });
});

describe("a sandbox of the fleet", () => {
  const now = new Date("2026-01-02T03:04:05Z");
  // As the API server sends it: times are text.
  const mould = JSON.parse(`{
    "metadata": {
      "name": "warm-1", "namespace": "bench", "uid": "u", "resourceVersion": "5",
      "labels": { "sandlot.dev/state": "claimed", "sandlot.dev/sandbox-id": "first", "sandlot.dev/tenant": "default", "sandlot.dev/pod": "warm-1" },
      "annotations": { "sandlot.dev/claimed-at": "2026-01-02T03:04:00.000Z", "sandlot.dev/hard-expires-at": "2026-01-03T03:04:00.000Z" }
    },
    "spec": { "nodeName": "node", "runtimeClassName": "gvisor", "containers": [{ "name": "sandbox" }] },
    "status": {
      "phase": "Running", "hostIP": "10.0.0.1", "hostIPs": [{ "ip": "10.0.0.1" }], "podIP": "10.42.0.7", "podIPs": [{ "ip": "10.42.0.7" }],
      "conditions": [{ "type": "Ready", "status": "True" }], "containerStatuses": [{ "name": "sandbox", "started": true }]
    }
  }`) as Parameters<typeof fakePod>[0];

  it("runs, to the provisioner, and is nobody's to schedule", () => {
    const { pod, status } = fakePod(mould, 251, now);
    assert.equal(pod.spec?.nodeName, undefined);
    assert.equal(pod.spec?.schedulerName, "nobody");
    assert.equal(pod.metadata?.resourceVersion, undefined);
    const view = viewOf(
      Object.assign({}, pod, { metadata: Object.assign({}, pod.metadata, { uid: "own" }), status }),
    );
    assert.ok(view.kind === "sandbox");
    const { id, tenant, state, podIP, claimedAt, hardExpiresAt } = view.pod;
    assert.deepEqual(
      { id, tenant, state, podIP },
      { id: "bench-fake-251", tenant: "default", state: "running", podIP: "198.18.1.2" },
    );
    assert.deepEqual(claimedAt, now);
    assert.equal(hardExpiresAt.getTime() - now.getTime(), 24 * 3_600_000, "as long as the mould's life");
  });

  it("has a name and an address of its own, all 5,000", () => {
    const all = Array.from({ length: 5_000 }, (_, index) => fakePod(mould, index, now));
    assert.equal(new Set(all.map(({ status }) => status.podIP)).size, 5_000);
    assert.equal(new Set(all.map(({ pod }) => pod.metadata?.name)).size, 5_000);
  });

  it("is on no node, by its status either: that node would make rules for it", () => {
    const { status } = fakePod(mould, 0, now);
    assert.equal(status.hostIP, undefined);
    assert.equal(status.hostIPs, undefined);
  });
});
