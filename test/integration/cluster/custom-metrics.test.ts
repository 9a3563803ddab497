// Autoscaling by what sandboxes say of themselves: the number of commands that run, by way of the cluster's custom metrics API.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { V1Pod } from "@kubernetes/client-node";
import { SandboxDeployment, SandboxNamespace } from "@sandlot/components";

import { metricsPort, metricsVariable } from "../../../components/observability/objects.js";
import { selfSigned } from "../support/certificate.js";
import {
  callSandbox,
  cluster,
  eventually,
  isReady,
  kubectl,
  nameOf,
  outputs,
  projectRoot,
  sandboxSelector,
} from "../support/cluster.js";
import { applyAll, manifestsOf } from "../support/manifests.js";
import { apply } from "../support/targets.js";

const stackFile = readFileSync(join(projectRoot, "stacks/Pulumi.test.yaml"), "utf8");
const place = "sandlot-test-custom-metrics";
const metric = "sandboxd_commands_running";
const apiService = "v1beta2.custom.metrics.k8s.io";

/** Six commands in one of two sandboxes are three for each: twice as many as they shall have. */
const [least, wanted, commands, average] = [2, 4, 6, "1500m"];

/** How often the cluster's autoscaler looks: as the stack's file says, else every 15 seconds. */
const roundMs = 1_000 * Number(/autoscaler-sync-period=(\d+)s$/m.exec(stackFile)?.[1] ?? 15);

async function sandboxes(): Promise<V1Pod[]> {
  const { items } = await cluster().core.listNamespacedPod({
    namespace: place,
    labelSelector: sandboxSelector,
  });
  return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}

/** The adapter, which serves the API, and what the API server needs to find it. */
async function adapter(): Promise<Parameters<typeof applyAll>[0]> {
  const { key, cert } = await selfSigned(`DNS:adapter.${place}.svc`);
  const program = join(projectRoot, "test/integration/support/metrics-adapter.mjs");
  const files = { "key.pem": key, "certificate.pem": cert, "adapter.mjs": readFileSync(program, "utf8") };
  const metadata = { name: "adapter", namespace: place, labels: { app: "adapter" } };
  const subjects = [{ kind: "ServiceAccount", name: "adapter", namespace: place }];
  const env = Object.entries({
    NAMESPACE: place,
    METRIC: metric,
    METRICS_PORT: String(metricsPort),
    NODE_EXTRA_CA_CERTS: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata,
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      subjects,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "adapter" },
    },
    { apiVersion: "v1", kind: "Secret", metadata, stringData: files },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: metadata.labels, ports: [{ port: 443, targetPort: 8443 }] },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: {
        serviceAccountName: "adapter",
        terminationGracePeriodSeconds: 0,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 1000,
          fsGroup: 1000,
          seccompProfile: { type: "RuntimeDefault" },
        },
        volumes: [{ name: "adapter", secret: { secretName: "adapter" } }],
        containers: [
          {
            name: "adapter",
            image: outputs()["sandboxImage"],
            command: ["node", "/adapter/adapter.mjs"],
            env: env.map(([name, value]) => ({ name, value })),
            volumeMounts: [{ name: "adapter", mountPath: "/adapter", readOnly: true }],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          },
        ],
      },
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: apiService },
      spec: {
        group: "custom.metrics.k8s.io",
        version: "v1beta2",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { name: "adapter", namespace: place },
        caBundle: Buffer.from(cert).toString("base64"),
      },
    },
  ] as Parameters<typeof applyAll>[0];
}

describe("autoscaling by a metric of the pods", function () {
  this.timeout(180_000);
  const sessions = Array.from({ length: commands }, (_, i) => `busy-${i}`);
  let busy = "";

  before("two idle sandboxes, and who tells the cluster of their metrics", async () => {
    const manifests = await manifestsOf(() => {
      new SandboxNamespace("scaled", { name: place });
      new SandboxDeployment("scaled", {
        namespace: place,
        image: outputs()["sandboxImage"] ?? "",
        serviceAccountName: "default",
        runtimeClassName: "gvisor",
        env: [metricsVariable],
        resources: { requests: { cpu: "50m", memory: "64Mi" } },
        autoscaling: {
          minReplicas: least,
          maxReplicas: 8,
          cpuPercent: 0,
          podMetrics: [{ name: metric, averageValue: average }],
          scaleDownSeconds: 0,
        },
      });
    });
    await applyAll(manifests);
    const objects = await adapter();
    // The API comes when it is served: one that was looked for in vain is looked for less often.
    const isApi = ({ kind }: { kind: string }): boolean => kind === "APIService";
    await apply(objects.filter((object) => !isApi(object)));
    await applyAll(objects.filter(isApi));
    const ready = await eventually("both are Ready", async () => {
      const now = await sandboxes();
      return now.length === least && now.every(isReady) && now;
    });
    busy = nameOf(ready[0] as V1Pod);
    await eventually("the API is there", async () => {
      const { ok, output } = await kubectl("get", "apiservice", apiService);
      return ok && /True/.test(output);
    });
  });

  after(async () => {
    await kubectl("delete", "apiservice", apiService, "--ignore-not-found");
    await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=false");
  });

  it("adds as many sandboxes as the metric asks for", async () => {
    for (const session of sessions) {
      const run = { command: "sleep 170", session_id: session, async_mode: true, hard_timeout: 175 };
      await callSandbox(busy, "/v1/bash/exec", run, { place });
    }
    const started = performance.now();
    await eventually(
      `${wanted} Ready sandboxes`,
      async () => (await sandboxes()).filter(isReady).length === wanted,
      120,
    );
    console.log(`      ${wanted} sandboxes after ${((performance.now() - started) / 1000).toFixed(0)} s`);
    // Three rounds of the autoscaler's: it would have gone on by now.
    await new Promise((done) => setTimeout(done, 3 * roundMs));
    assert.equal((await sandboxes()).length, wanted);
  });

  it("takes them away when the metric is low again", async () => {
    for (const session of sessions)
      await callSandbox(busy, "/v1/bash/kill", { session_id: session, signal: "SIGKILL" }, { place });
    await eventually("the least again", async () => (await sandboxes()).length === least, 120);
  });
});
