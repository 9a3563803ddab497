// Autoscaling under load: sandboxes come when one of them is busy and go when it no longer is, within the bounds, the
// namespace's quota and the disruption budget.
import assert from "node:assert/strict";

import { AutoscalingV2Api, type V1Pod, type V2HorizontalPodAutoscaler } from "@kubernetes/client-node";
import { SandboxDeployment, SandboxNamespace } from "@sandlot/components";

import { callSandbox, cluster, eventually, isReady, kubectl, nameOf, outputs } from "../support/cluster.js";
import { applyAll, manifestsOf } from "../support/manifests.js";

const place = "sandlot-test-autoscaling";

/** Of four sandboxes that the load asks for, the quota admits three. */
const [least, admitted, most] = [2, 3, 4];

/** The burden, which its own time limit ends should this test not. */
const burn = { command: "while :; do :; done", session_id: "burn", async_mode: true, hard_timeout: 240 };

/** Pods that are not over or on their way out, which is what a quota and a Deployment count. */
async function pods(): Promise<V1Pod[]> {
  const { items } = await cluster().core.listNamespacedPod({ namespace: place });
  return items.filter(
    ({ metadata, status }) =>
      metadata?.deletionTimestamp === undefined &&
      status?.phase !== "Failed" &&
      status?.phase !== "Succeeded",
  );
}

async function autoscaler(): Promise<V2HorizontalPodAutoscaler> {
  const api = cluster().config.makeApiClient(AutoscalingV2Api);
  return api.readNamespacedHorizontalPodAutoscaler({ name: "sandbox", namespace: place });
}

/** The sandboxes' average CPU that the autoscaler last saw, in percent of the request. */
const seen = ({ status }: V2HorizontalPodAutoscaler): number | undefined =>
  status?.currentMetrics?.[0]?.resource?.current.averageUtilization;

describe("autoscaling", function () {
  this.timeout(150_000);
  let busy: string;

  before("two idle sandboxes in gVisor", async () => {
    const manifests = await manifestsOf(() => {
      new SandboxNamespace("scaled", { name: place, quota: { pods: admitted } });
      new SandboxDeployment("scaled", {
        namespace: place,
        image: outputs()["sandboxImage"] ?? "",
        serviceAccountName: "default",
        runtimeClassName: "gvisor",
        resources: {
          requests: { cpu: "200m", memory: "64Mi" },
          limits: { cpu: "1", memory: "256Mi" },
        },
        // Of 200m: far above what probes take of an idle sandbox, 30m to 50m on a slow machine, and far below what a busy one has.
        autoscaling: { minReplicas: least, maxReplicas: most, cpuPercent: 60, scaleDownSeconds: 0 },
        disruption: { minAvailable: "1" },
      });
    });
    await applyAll(manifests);
    const ready = await eventually("both are Ready", async () => {
      const now = await pods();
      return now.length === least && now.every(isReady) && now;
    });
    busy = nameOf(ready[0] as V1Pod);
  });

  after(async () => {
    await kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=false");
  });

  it("has the cluster measure CPU and memory of nodes and of each sandbox", async () => {
    const table = await eventually("figures of both sandboxes", async () => {
      const { ok, output } = await kubectl("top", "pods", "-n", place, "--no-headers");
      return ok && output.trim().split("\n").length === least && output;
    });
    for (const row of table.trim().split("\n"))
      assert.match(row, /^sandbox-\S+\s+\d+m\s+[1-9]\d*Mi\s*$/, table);
    const { output } = await kubectl("top", "nodes", "--no-headers");
    assert.match(output, /^sandlot-\S+\s+[1-9]\d*m\s+\d+%\s+[1-9]\d*Mi/);
  });

  it("adds sandboxes under load, within its bounds and the quota", async () => {
    await callSandbox(busy, "/v1/bash/exec", burn, { place });
    const started = performance.now();
    let highest = 0;
    const scaled = await eventually(
      `${admitted} Ready sandboxes of ${most} wanted`,
      async () => {
        const [now, state] = [await pods(), await autoscaler()];
        highest = Math.max(highest, now.length);
        return state.status?.desiredReplicas === most && now.filter(isReady).length === admitted && state;
      },
      120,
    );
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(
      `      at ${String(seen(scaled))} % of the request, ${admitted} sandboxes after ${seconds} s`,
    );
    assert.equal(highest, admitted);
    await eventually("the quota's refusal", async () => {
      const { output } = await kubectl("get", "replicasets", "-n", place, "-o", "json");
      return output.includes("exceeded quota");
    });
  });

  it("leaves the disruption budget in force", async () => {
    const evict = (name: string) =>
      cluster().core.createNamespacedPodEviction({
        name,
        namespace: place,
        body: { metadata: { name, namespace: place } },
      });
    await eventually("two of three may go", async () => {
      const budget = await cluster().policy.readNamespacedPodDisruptionBudget({
        name: "sandbox",
        namespace: place,
      });
      return budget.status?.disruptionsAllowed === admitted - 1;
    });
    for (const name of (await pods()).map(nameOf).filter((name) => name !== busy)) await evict(name);
    await assert.rejects(evict(busy), /disruption budget/);
  });

  it("takes them away when the load is gone", async () => {
    await callSandbox(busy, "/v1/bash/kill", { session_id: burn.session_id, signal: "SIGKILL" }, { place });
    const started = performance.now();
    await eventually(
      "the least again",
      async () => (await autoscaler()).status?.desiredReplicas === least && (await pods()).length === least,
      120,
    );
    console.log(`      ${least} sandboxes after ${((performance.now() - started) / 1000).toFixed(0)} s`);
  });
});
