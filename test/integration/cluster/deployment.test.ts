// The deployed sandboxes: Ready, in gVisor, under the restricted Pod Security profile, with their skills, and healing.
import assert from "node:assert/strict";

import {
  cluster,
  eventually,
  execIn,
  isReady,
  kubectl,
  nameOf,
  namespace,
  outputOf,
  readySandboxes,
  sandboxPods,
} from "../support/cluster.js";

describe("sandbox Deployment", () => {
  let pod: string;

  before(async () => {
    const [first] = await readySandboxes(2);
    assert.ok(first);
    pod = nameOf(first);
  });

  it("runs in gVisor: its own kernel says so from inside", async () => {
    assert.match(await outputOf(pod, "dmesg 2>/dev/null || cat /proc/version"), /gVisor/i);
    const host = await kubectl("get", "node", "-o", "jsonpath={.items[0].status.nodeInfo.kernelVersion}");
    assert.notEqual(await outputOf(pod, "uname -r"), host.output);
  });

  it("satisfies and is held to the restricted Pod Security profile", async () => {
    const { metadata } = await cluster().core.readNamespace({ name: namespace });
    for (const mode of ["enforce", "audit", "warn"]) {
      assert.equal(metadata?.labels?.[`pod-security.kubernetes.io/${mode}`], "restricted");
      assert.match(metadata.labels[`pod-security.kubernetes.io/${mode}-version`] ?? "", /^v1\.\d+$/);
    }
    const container = { name: "c", image: "sandlot/none:1", securityContext: { privileged: true } };
    await assert.rejects(
      cluster().core.createNamespacedPod({
        namespace,
        body: { metadata: { name: "privileged" }, spec: { containers: [container] } },
      }),
      /violates PodSecurity.*privileged/s,
    );
  });

  for (const [what, spec] of [
    ["a host path", { volumes: [{ name: "v", hostPath: { path: "/" } }] }],
    ["the host's network", { hostNetwork: true }],
    ["the host's processes", { hostPID: true }],
  ] as const) {
    it(`does not let a pod with ${what} into the namespace`, async () => {
      const body = {
        metadata: { name: "refused" },
        spec: { containers: [{ name: "c", image: "sandlot/none:1" }], ...spec },
      };
      await assert.rejects(
        cluster().core.createNamespacedPod({ namespace, body: body as never }),
        /violates PodSecurity/,
      );
    });
  }

  it("mounts the skills through the claim, read-only", async () => {
    assert.match(await outputOf(pod, "sh /mnt/skills/hello/hello.sh"), new RegExp(`Hello from ${pod}`));
    const { exit_code: code, stderr } = await execIn(pod, "touch /mnt/skills/new");
    assert.notEqual(code, 0);
    assert.match(stderr, /read-only|permission denied/i);
    const { spec } = await cluster().core.readNamespacedPod({ name: pod, namespace });
    const volume = spec?.volumes?.find(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined);
    assert.ok(volume?.persistentVolumeClaim, "skills come from a claim");
  });

  it("has startup, readiness and liveness probes on /v1/sandbox", async () => {
    const { spec } = await cluster().core.readNamespacedPod({ name: pod, namespace });
    const [container] = spec?.containers ?? [];
    for (const probe of [container?.startupProbe, container?.readinessProbe, container?.livenessProbe]) {
      assert.equal(probe?.httpGet?.path, "/v1/sandbox");
    }
  });

  it("heals: a pod that is killed is replaced", async () => {
    await cluster().core.deleteNamespacedPod({ name: pod, namespace, gracePeriodSeconds: 0 });
    const pods = await readySandboxes(2);
    assert.ok(pods.every((each) => nameOf(each) !== pod));
    [pod = ""] = pods.map(nameOf);
  });

  it("restarts a server that died", async () => {
    const restarts = async (): Promise<number> =>
      (await cluster().core.readNamespacedPod({ name: pod, namespace })).status?.containerStatuses?.[0]
        ?.restartCount ?? 0;
    const before = await restarts();
    // The server is process 1 of its container; no other process may end it, so it is ended from the node.
    await kubectl("exec", "-n", namespace, pod, "--", "sh", "-c", "kill -TERM 1");
    await eventually("one more restart", async () => (await restarts()) > before, 60);
    await readySandboxes(2);
  });

  it("refuses an eviction that would break the disruption budget", async () => {
    const evict = (name: string) =>
      cluster().core.createNamespacedPodEviction({
        name,
        namespace,
        body: { metadata: { name, namespace } },
      });
    const [first, second] = (await readySandboxes(2)).map(nameOf);
    assert.ok(first && second);
    await evict(first);
    await assert.rejects(evict(second), /disruption budget/);
    await readySandboxes(2);
  });

  it("scales", async () => {
    const scale = (replicas: number) =>
      kubectl("scale", "-n", namespace, "deployment/sandbox", `--replicas=${replicas}`);
    await scale(3);
    await readySandboxes(3);
    await scale(2);
    await eventually("two sandboxes", async () => {
      const pods = await sandboxPods();
      return pods.length === 2 && pods.every(isReady);
    });
  });
});
