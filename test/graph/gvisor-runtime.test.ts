// What GvisorRuntime registers: the class, the installer and its bounds, the check; their order, parents and inputs.
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import {
  GvisorMode,
  GvisorRuntime,
  NodeArchitecture,
  SandboxPlatform,
  type GvisorRuntimeArgs,
  type SandboxPlatformArgs,
} from "@sandlot/components";

import { record, recordFailure, type Graph, type Plain, type RecordedResource } from "../support/graph";

const check = { namespace: "sandlot", image: "sandlot/sandbox:1.0.0", serviceAccountName: "sandbox" };
const install = { image: "registry.example.com/tools:1.0.0" };

const runtime = (args: GvisorRuntimeArgs): Promise<Graph> => record(() => new GvisorRuntime("runtime", args));
const platform = (args: Partial<SandboxPlatformArgs> = {}): Promise<Graph> =>
  record(() => new SandboxPlatform("sandlot", { image: "sandlot/sandbox:1.0.0", ...args }));

function at(resource: RecordedResource, path: string): Plain | undefined {
  let value: unknown = resource.inputs;
  for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value as Plain | undefined;
}

const objects = (graph: Graph): string[] =>
  graph.resources
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .map(({ type, name }) => `${type.split(":").at(-1) ?? ""} ${name}`)
    .sort();

describe("GvisorRuntime on nodes that have gVisor", () => {
  it("is the RuntimeClass and nothing else", async () => {
    assert.deepEqual(objects(await runtime({})), ["RuntimeClass runtime-class"]);
  });

  it("is made anew with another handler, which nobody can change", async () => {
    const runtimeClass = (await runtime({})).get("runtime-class");
    assert.deepEqual(runtimeClass.replaceOnChanges, ["handler"]);
    assert.equal(runtimeClass.deleteBeforeReplace, true);
  });

  it("makes no RuntimeClass where one exists, and tells its name", async () => {
    const graph = await runtime({ existing: true, runtimeClassName: "gke-gvisor", check });
    assert.deepEqual(objects(graph), ["Job runtime-check"]);
    assert.deepEqual(graph.get("runtime").registered, [{ runtimeClassName: "gke-gvisor" }]);
    assert.equal(at(graph.get("runtime-check"), "spec.template.spec.runtimeClassName"), "gke-gvisor");
  });
});

describe("GvisorRuntime's check", () => {
  let graph: Graph;
  let job: RecordedResource;
  before(async () => {
    graph = await runtime({ check });
    job = graph.get("runtime-check");
  });

  it("runs a pod of the class, which must complete once and in time", () => {
    assert.equal(job.type, "kubernetes:batch/v1:Job");
    assert.equal(job.parent, graph.get("runtime").urn);
    assert.ok(graph.comesAfter(job, graph.get("runtime-class")));
    assert.equal(at(job, "spec.template.spec.runtimeClassName"), "gvisor");
    assert.equal(at(job, "spec.backoffLimit"), 0);
    assert.equal(at(job, "spec.activeDeadlineSeconds"), 300);
    assert.equal(at(job, "spec.ttlSecondsAfterFinished"), undefined, "it would be made anew by every update");
    assert.match(at(job, "spec.template.spec.containers.0.command.2") as string, /dmesg .*grep -qi gvisor/);
  });

  it("is awaited, and tried anew by the next update if it failed", () => {
    assert.deepEqual(at(job, "metadata.annotations"), { "pulumi.com/replaceUnready": "true" });
  });

  it("meets Pod Security restricted, and is no sandbox to network policies", () => {
    const pod = at(job, "spec.template.spec") as Record<string, Plain>;
    assert.equal(pod["automountServiceAccountToken"], false);
    assert.equal(pod["serviceAccountName"], "sandbox");
    assert.deepEqual(pod["securityContext"], {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      seccompProfile: { type: "RuntimeDefault" },
    });
    assert.deepEqual(at(job, "spec.template.spec.containers.0.securityContext"), {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    assert.equal(pod["volumes"], undefined);
    assert.equal(
      (at(job, "spec.template.metadata.labels") as Record<string, string>)["app.kubernetes.io/component"],
      "runtime-check",
    );
  });

  it("is the same Job while it tries the same, and another one otherwise", async () => {
    const name = async (args: GvisorRuntimeArgs): Promise<unknown> =>
      at((await runtime(args)).get("runtime-check"), "metadata.name");
    const first = await name({ check });
    assert.match(first as string, /^gvisor-check-[0-9a-f]{8}$/);
    assert.equal(await name({ check: { ...check, image: pulumi.output(check.image) } }), first);
    for (const other of [
      { check: { ...check, image: "sandlot/sandbox:2.0.0" } },
      { check, handler: "other" },
      { check, runtimeClassName: "other" },
      { check, nodeSelector: { pool: "other" } },
    ]) {
      assert.notEqual(await name(other), first, JSON.stringify(other));
    }
  });

  it("runs where and as sandboxes run", async () => {
    const told = await platform({
      namespace: { priority: { className: "sandboxes" } },
      gvisorCheck: { timeoutSeconds: 60 },
      deployment: {
        imagePullSecrets: ["registry"],
        placement: {
          nodeSelector: { pool: "sandboxes" },
          tolerations: [{ key: "sandboxes", value: "only" }],
        },
      },
    });
    const trial = told.get("sandlot-runtime-check");
    const pod = at(trial, "spec.template.spec") as Record<string, Plain>;
    assert.equal(at(trial, "metadata.namespace"), "sandlot");
    assert.equal(at(trial, "spec.activeDeadlineSeconds"), 60);
    assert.deepEqual(pod["nodeSelector"], { pool: "sandboxes" });
    assert.deepEqual(pod["tolerations"], [{ key: "sandboxes", operator: "Equal", value: "only" }]);
    assert.deepEqual(pod["imagePullSecrets"], [{ name: "registry" }]);
    assert.equal(pod["priorityClassName"], "sandboxes");
    assert.equal(at(trial, "spec.template.spec.containers.0.image"), "sandlot/sandbox:1.0.0");
  });

  it("stands between the walls and the first sandbox", async () => {
    const whole = await platform();
    const trial = whole.get("sandlot-runtime-check");
    for (const part of ["sandlot-home", "sandlot-network", "sandlot-rbac"])
      assert.ok(whole.comesAfter(trial, whole.get(part)), `${part} is there before the check runs`);
    assert.ok(whole.comesAfter(whole.get("sandlot-sandbox-deployment"), trial));
  });

  it("is left out when told so, and refused without gVisor", async () => {
    assert.equal((await platform({ gvisorCheck: { enabled: false } })).has("sandlot-runtime-check"), false);
    const { error, graph: nothing } = await recordFailure(
      () => new SandboxPlatform("sandlot", { image: "sandbox:1", gvisor: false, gvisorCheck: {} }),
    );
    assert.match(error.message, /gvisorCheck is given, but gvisor is false/);
    assert.deepEqual(nothing.names(), []);
  });
});

describe("GvisorRuntime's installer", () => {
  let graph: Graph;
  before(async () => {
    graph = await runtime({ mode: GvisorMode.Install, install, check });
  });

  it("is a DaemonSet with an account, its bounds and a namespace of its own", () => {
    assert.deepEqual(objects(graph), [
      "ClusterRole runtime-installer-cluster-role",
      "ClusterRoleBinding runtime-installer-cluster-role-binding",
      "ConfigMap runtime-installer-scripts",
      "DaemonSet runtime-installer",
      "Job runtime-check",
      "Namespace runtime-installer-namespace",
      "NetworkPolicy runtime-installer-network",
      "Role runtime-installer-role",
      "RoleBinding runtime-installer-role-binding",
      "RuntimeClass runtime-class",
      "ServiceAccount runtime-installer-account",
      "ValidatingAdmissionPolicy runtime-installer-admission",
      "ValidatingAdmissionPolicyBinding runtime-installer-admission-binding",
    ]);
    for (const { name, parent } of graph.resources.filter(({ type }) => type.startsWith("kubernetes:")))
      assert.equal(parent, graph.get("runtime").urn, name);
  });

  it("keeps privileged pods to its own namespace", () => {
    assert.deepEqual(at(graph.get("runtime-installer-namespace"), "metadata"), {
      name: "sandlot-gvisor",
      labels: {
        "app.kubernetes.io/name": "sandlot",
        "app.kubernetes.io/component": "gvisor-installer",
        "app.kubernetes.io/managed-by": "pulumi",
        "pod-security.kubernetes.io/enforce": "privileged",
      },
    });
    const elsewhere = graph.resources
      .filter(({ inputs }) => /"privileged":true|"hostPID":true|"hostPath"/.test(JSON.stringify(inputs)))
      .map(({ name }) => name);
    assert.deepEqual(elsewhere, ["runtime-installer"]);
    assert.equal(at(graph.get("runtime-installer"), "metadata.namespace"), "sandlot-gvisor");
  });

  it("may look at its DaemonSet and patch nodes, and nothing else", () => {
    const rules = (name: string) => at(graph.get(name), "rules");
    assert.deepEqual(rules("runtime-installer-role"), [
      { apiGroups: ["apps"], resources: ["daemonsets"], resourceNames: ["gvisor-installer"], verbs: ["get"] },
    ]);
    assert.deepEqual(rules("runtime-installer-cluster-role"), [
      { apiGroups: [""], resources: ["nodes"], verbs: ["patch"] },
    ]);
    assert.equal(graph.get("runtime-installer-account").inputs["automountServiceAccountToken"], false);
  });

  it("is held to its own node and one label by the API server before it may patch any", () => {
    const policy = graph.get("runtime-installer-admission");
    assert.equal(at(policy, "spec.failurePolicy"), "Fail");
    assert.deepEqual(at(policy, "spec.matchConditions"), [
      {
        name: "installer",
        expression: "request.userInfo.username == 'system:serviceaccount:sandlot-gvisor:gvisor-installer'",
      },
    ]);
    const [own, label] = at(policy, "spec.validations") as { expression: string }[];
    assert.match(
      own?.expression ?? "",
      /authentication\.kubernetes\.io\/node-name'\] == \[object\.metadata\.name\]/,
    );
    assert.match(label?.expression ?? "", /object\.spec == oldObject\.spec/);
    assert.deepEqual(at(graph.get("runtime-installer-admission-binding"), "spec"), {
      policyName: "sandlot-gvisor-gvisor-installer",
      validationActions: ["Deny"],
    });
    const bound = graph.get("runtime-installer-cluster-role-binding");
    assert.ok(graph.comesAfter(bound, graph.get("runtime-installer-admission-binding")));
  });

  it("comes after all that it needs, so that it goes before any of it", () => {
    const daemonSet = graph.get("runtime-installer");
    for (const name of [
      "runtime-installer-account",
      "runtime-installer-role-binding",
      "runtime-installer-cluster-role-binding",
      "runtime-installer-network",
      "runtime-installer-scripts",
    ]) {
      assert.ok(graph.comesAfter(daemonSet, graph.get(name)), name);
    }
    assert.ok(graph.comesAfter(graph.get("runtime-check"), daemonSet), "nodes have gVisor when it is tried");
  });

  it("goes onto labelled nodes, one after the other, and sandboxes go where it is done", () => {
    const daemonSet = graph.get("runtime-installer");
    assert.deepEqual(at(daemonSet, "spec.template.spec.nodeSelector"), { "sandlot.dev/gvisor": "install" });
    assert.deepEqual(at(daemonSet, "spec.updateStrategy"), {
      type: "RollingUpdate",
      rollingUpdate: { maxUnavailable: 1 },
    });
    assert.deepEqual(at(graph.get("runtime-class"), "scheduling.nodeSelector"), {
      "sandlot.dev/gvisor": "install",
      "sandlot.dev/gvisor-ready": "true",
    });
  });

  it("lets nobody in", () => {
    assert.deepEqual(at(graph.get("runtime-installer-network"), "spec"), {
      podSelector: {},
      policyTypes: ["Ingress"],
    });
  });

  it("takes tolerations, a namespace, an image and checksums of one's own", async () => {
    const sum = "0".repeat(128);
    const told = await runtime({
      mode: GvisorMode.Install,
      tolerations: [{ key: "sandboxes", value: "only" }],
      install: {
        image: pulumi.output("tools:2"),
        imagePullSecrets: ["registry"],
        namespace: "gvisor",
        release: "20260323.0",
        checksums: [{ architecture: NodeArchitecture.X86_64, runsc: sum, shim: sum }],
      },
    });
    const daemonSet = told.get("runtime-installer");
    const pod = at(daemonSet, "spec.template.spec") as Record<string, Plain>;
    assert.equal(at(daemonSet, "metadata.namespace"), "gvisor");
    assert.deepEqual(pod["tolerations"], [{ key: "sandboxes", operator: "Equal", value: "only" }]);
    assert.deepEqual(pod["imagePullSecrets"], [{ name: "registry" }]);
    assert.equal(at(daemonSet, "spec.template.spec.containers.0.image"), "tools:2");
    const env = at(daemonSet, "spec.template.spec.containers.0.env") as { name: string; value?: string }[];
    const value = (wanted: string) => env.find(({ name }) => name === wanted)?.value;
    assert.equal(value("CHECKSUMS"), `x86_64 runsc ${sum}\nx86_64 containerd-shim-runsc-v1 ${sum}`);
    assert.match(value("DOWNLOADS") ?? "", /\/20260323\.0$/);
    assert.equal(value("DAEMONSET"), "gvisor/gvisor-installer");
  });
});
