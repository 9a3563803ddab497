// What SandboxDeployment and SandboxNamespace register where they are told more than the defaults.
import * as pulumi from "@pulumi/pulumi";
import assert from "node:assert/strict";

import {
  AntiAffinity,
  NodeOperator,
  PreemptionPolicy,
  SandboxDeployment,
  SandboxNamespace,
  SandboxPlatform,
  type SandboxDeploymentArgs,
  type SandboxProbes,
} from "@sandlot/components";

import { record, recordFailure, type Graph, type Plain, type RecordedResource } from "../support/graph";

const given: SandboxDeploymentArgs = {
  namespace: "sandlot",
  image: "sandlot/sandbox:1.0.0",
  serviceAccountName: "sandbox",
};

const deployed = (args: Partial<SandboxDeploymentArgs>): Promise<Graph> =>
  record(() => new SandboxDeployment("box", { ...given, ...args }));

function at(resource: RecordedResource, path: string): Plain | undefined {
  let value: unknown = resource.inputs;
  for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value as Plain | undefined;
}

const pod = async (args: Partial<SandboxDeploymentArgs>): Promise<Record<string, Plain>> =>
  at((await deployed(args)).get("box-deployment"), "spec.template.spec") as Record<string, Plain>;
const container = async (args: Partial<SandboxDeploymentArgs>): Promise<Record<string, Plain>> => {
  const [only] = (await pod(args))["containers"] as Record<string, Plain>[];
  assert.ok(only);
  return only;
};

const own = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "sandbox",
  "app.kubernetes.io/instance": "sandbox",
};

describe("SandboxDeployment by default", () => {
  it("has no autoscaler, no hook before it ends, no timing of its own and no place of its own", async () => {
    const graph = await deployed({});
    assert.deepEqual(graph.names().sort(), ["box", "box-deployment", "box-disruption-budget", "box-service"]);
    assert.deepEqual(graph.get("box-deployment").ignoreChanges, []);
    const spec = at(graph.get("box-deployment"), "spec") as Record<string, Plain>;
    assert.deepEqual(Object.keys(spec).sort(), [
      "replicas",
      "revisionHistoryLimit",
      "selector",
      "strategy",
      "template",
    ]);
    const template = await pod({});
    for (const field of ["nodeSelector", "tolerations", "priorityClassName", "imagePullSecrets"])
      assert.equal(template[field], undefined, field);
    assert.equal((await container({}))["lifecycle"], undefined);
    assert.deepEqual((await container({}))["env"], [{ name: "HOME", value: "/home/sandbox" }]);
  });

  it("has no startup probe where that is off, and a liveness probe that waits as long instead, unless it says otherwise", async () => {
    const probed = async (probes: SandboxProbes): Promise<unknown[]> => {
      const { startupProbe, livenessProbe } = await container({ probes });
      return [startupProbe, (livenessProbe as { initialDelaySeconds: number }).initialDelaySeconds];
    };
    assert.deepEqual(await probed({ startup: { enabled: false } }), [undefined, 120]);
    const patient = { enabled: false, initialDelaySeconds: 5, periodSeconds: 2, failureThreshold: 10 };
    assert.deepEqual(await probed({ startup: patient }), [undefined, 25]);
    assert.deepEqual(await probed({ startup: patient, liveness: { initialDelaySeconds: 7 } }), [
      undefined,
      7,
    ]);
    const [startup, delay] = await probed({ startup: { enabled: true, periodSeconds: 2 } });
    assert.deepEqual(
      [startup, delay],
      [
        {
          httpGet: { path: "/v1/sandbox", port: "http" },
          ...{ initialDelaySeconds: 0, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 120 },
        },
        0,
      ],
    );
  });

  it("is spread softly over zones and nodes", async () => {
    const template = await pod({});
    const constraint = (topologyKey: string) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: own },
    });
    assert.deepEqual(template["topologySpreadConstraints"], [
      constraint("topology.kubernetes.io/zone"),
      constraint("kubernetes.io/hostname"),
    ]);
    assert.deepEqual(template["affinity"], {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: own } },
          },
        ],
      },
    });
  });
});

describe("SandboxDeployment's autoscaler", () => {
  it("scales the Deployment by CPU and by a metric of the pods, down slowly", async () => {
    const graph = await deployed({
      autoscaling: {
        minReplicas: 3,
        maxReplicas: 12,
        cpuPercent: 60,
        podMetrics: [{ name: "sandboxd_commands_running", averageValue: "8" }],
        scaleDownSeconds: 600,
      },
    });
    const autoscaler = graph.get("box-autoscaler");
    assert.equal(autoscaler.type, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler");
    assert.deepEqual(at(autoscaler, "spec"), {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "sandbox" },
      minReplicas: 3,
      maxReplicas: 12,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } },
        },
        {
          type: "Pods",
          pods: {
            metric: { name: "sandboxd_commands_running" },
            target: { type: "AverageValue", averageValue: "8" },
          },
        },
      ],
      behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
    });
    const deployment = graph.get("box-deployment");
    assert.equal(at(deployment, "spec.replicas"), 3, "where it begins");
    assert.deepEqual(deployment.ignoreChanges, ["spec.replicas"], "and no update takes it back to that");
    assert.equal(at(graph.get("box-disruption-budget"), "spec.minAvailable"), 1);
  });

  it("leaves CPU out when told so", async () => {
    const graph = await deployed({
      autoscaling: { maxReplicas: 4, cpuPercent: 0, podMetrics: [{ name: "m", averageValue: "100m" }] },
    });
    const metrics = at(graph.get("box-autoscaler"), "spec.metrics") as { type: string }[];
    assert.deepEqual(
      metrics.map(({ type }) => type),
      ["Pods"],
    );
  });

  it("must fit into the namespace's quota at its highest", async () => {
    const { error } = await recordFailure(
      () =>
        new SandboxPlatform("sandlot", {
          image: "sandbox:1",
          namespace: { quota: { pods: 10 } },
          deployment: { autoscaling: { maxReplicas: 10 } },
        }),
    );
    assert.match(
      error.message,
      /deployment\.autoscaling\.maxReplicas is 10, but the namespace's quota is 10 pods/,
    );
  });
});

describe("SandboxDeployment's rollout and shutdown", () => {
  it("takes surge, patience and deadline", async () => {
    const graph = await deployed({
      rollout: { maxSurge: "50%", maxUnavailable: "1", minReadySeconds: 5, progressDeadlineSeconds: 120 },
    });
    const spec = at(graph.get("box-deployment"), "spec") as Record<string, Plain>;
    assert.deepEqual(spec["strategy"], {
      type: "RollingUpdate",
      rollingUpdate: { maxUnavailable: 1, maxSurge: "50%" },
    });
    assert.equal(spec["minReadySeconds"], 5);
    assert.equal(spec["progressDeadlineSeconds"], 120);
  });

  it("serves on while nodes learn that it ends, and tells its server how long commands may go on", async () => {
    const args = { shutdown: { settleSeconds: 5, drainSeconds: 60 }, terminationGracePeriodSeconds: 90 };
    const box = await container(args);
    assert.deepEqual(box["lifecycle"], { preStop: { sleep: { seconds: 5 } } });
    assert.deepEqual(box["env"], [
      { name: "HOME", value: "/home/sandbox" },
      { name: "SANDBOXD_DRAIN_SECONDS", value: "60" },
    ]);
    assert.equal((await pod(args))["terminationGracePeriodSeconds"], 90);
  });
});

describe("SandboxDeployment's place", () => {
  it("is what is asked for, hard and soft", async () => {
    const template = await pod({
      placement: {
        nodeSelector: { pool: "sandboxes" },
        tolerations: [{ key: "sandboxes", value: "only" }],
        topologySpread: [{ topologyKey: "rack", maxSkew: 2, required: true }],
        antiAffinity: AntiAffinity.Required,
        requiredNodes: [{ key: "disk", values: ["ssd", "nvme"] }],
        preferredNodes: [
          { weight: 10, requirements: [{ key: "spot", operator: NodeOperator.DoesNotExist }] },
        ],
        near: [{ podLabels: { app: "cache" }, topologyKey: "topology.kubernetes.io/zone" }],
        awayFrom: [{ podLabels: { app: "database" }, required: true }],
      },
    });
    assert.deepEqual(template["nodeSelector"], { pool: "sandboxes" });
    assert.deepEqual(template["tolerations"], [{ key: "sandboxes", operator: "Equal", value: "only" }]);
    assert.deepEqual(template["topologySpreadConstraints"], [
      {
        topologyKey: "rack",
        maxSkew: 2,
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: own },
      },
    ]);
    const host = "kubernetes.io/hostname";
    assert.deepEqual(template["affinity"], {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd", "nvme"] }] },
          ],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 10, preference: { matchExpressions: [{ key: "spot", operator: "DoesNotExist" }] } },
        ],
      },
      podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: {
              topologyKey: "topology.kubernetes.io/zone",
              labelSelector: { matchLabels: { app: "cache" } },
            },
          },
        ],
      },
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: host, labelSelector: { matchLabels: own } },
          { topologyKey: host, labelSelector: { matchLabels: { app: "database" } } },
        ],
      },
    });
  });

  it("has no constraint where it is not to be spread", async () => {
    const template = await pod({ spread: false });
    assert.equal(template["topologySpreadConstraints"], undefined);
    assert.equal(template["affinity"], undefined);
  });
});

describe("SandboxDeployment's variables and volumes", () => {
  it("come from Secrets and ConfigMaps without being in the pod", async () => {
    const box = await container({
      env: [
        { name: "LANG", value: "C.UTF-8" },
        { name: "API_KEY", secret: { name: pulumi.output("keys"), key: "api" } },
        { name: "REGION", configMap: { name: "place", key: "region", optional: true } },
      ],
    });
    assert.deepEqual((box["env"] as Plain[]).slice(1), [
      { name: "LANG", value: "C.UTF-8" },
      { name: "API_KEY", valueFrom: { secretKeyRef: { name: "keys", key: "api" } } },
      { name: "REGION", valueFrom: { configMapKeyRef: { name: "place", key: "region", optional: true } } },
    ]);
  });

  it("are mounted read-only but for empty folders and claims that say otherwise", async () => {
    const args: Partial<SandboxDeploymentArgs> = {
      volumes: [
        { name: "scratch", mountPath: "/mnt/scratch", emptyDir: { sizeLimit: "64Mi" } },
        {
          name: "shm",
          mountPath: "/mnt/shm",
          emptyDir: { sizeLimit: "32Mi", inMemory: true },
          readOnly: true,
        },
        { name: "settings", mountPath: "/home/sandbox/.config", configMap: { name: "c" }, readOnly: false },
        { name: "keys", mountPath: "/mnt/keys", secret: { name: "s", optional: true } },
        { name: "models", mountPath: "/mnt/models", subPath: "v1/small", claim: { name: "models" } },
        { name: "shared", mountPath: "/mnt/shared", claim: { name: "shared" }, readOnly: false },
        {
          name: "all",
          mountPath: "/mnt/all",
          projected: { configMaps: [{ name: "c" }], secrets: [{ name: "s" }] },
        },
      ],
    };
    const volumes = (await pod(args))["volumes"] as Plain[];
    assert.deepEqual(volumes.slice(3), [
      { name: "scratch", emptyDir: { sizeLimit: "64Mi" } },
      { name: "shm", emptyDir: { sizeLimit: "32Mi", medium: "Memory" } },
      { name: "settings", configMap: { name: "c" } },
      { name: "keys", secret: { secretName: "s", optional: true } },
      { name: "models", persistentVolumeClaim: { claimName: "models", readOnly: true } },
      { name: "shared", persistentVolumeClaim: { claimName: "shared", readOnly: false } },
      {
        name: "all",
        projected: { sources: [{ configMap: { name: "c" } }, { secret: { name: "s" } }] },
      },
    ]);
    const mounts = (await container(args))["volumeMounts"] as Plain[];
    assert.deepEqual(mounts.slice(3), [
      { name: "scratch", mountPath: "/mnt/scratch", readOnly: false },
      { name: "shm", mountPath: "/mnt/shm", readOnly: true },
      { name: "settings", mountPath: "/home/sandbox/.config", readOnly: true },
      { name: "keys", mountPath: "/mnt/keys", readOnly: true },
      { name: "models", mountPath: "/mnt/models", subPath: "v1/small", readOnly: true },
      { name: "shared", mountPath: "/mnt/shared", readOnly: false },
      { name: "all", mountPath: "/mnt/all", readOnly: true },
    ]);
  });
});

describe("SandboxNamespace's priority", () => {
  const named = (args: ConstructorParameters<typeof SandboxNamespace>[1]): Promise<Graph> =>
    record(() => new SandboxNamespace("home", args));
  const shutOut = {
    hard: { pods: "0" },
    scopeSelector: {
      matchExpressions: [{ scopeName: "PriorityClass", operator: "NotIn", values: ["sandboxes"] }],
    },
  };

  it("is the cluster's unless one is chosen", async () => {
    const graph = await named({});
    assert.equal(graph.has("home-priority"), false);
    assert.equal(graph.has("home-other-priorities"), false);
    assert.deepEqual(graph.get("home").registered, [{ namespace: "sandlot" }]);
  });

  it("may be one that is there: pods of another are not let in, and the quota over all stays", async () => {
    const graph = await named({ priority: { className: "sandboxes" } });
    assert.equal(graph.has("home-priority"), false);
    assert.deepEqual(at(graph.get("home-other-priorities"), "spec"), shutOut);
    assert.equal(at(graph.get("home-quota"), "spec.scopeSelector"), undefined);
    assert.deepEqual(graph.get("home").registered, [
      { namespace: "sandlot", priorityClassName: "sandboxes" },
    ]);
  });

  it("may be made, and pushes nobody aside unless told to", async () => {
    const graph = await named({ priority: { className: "sandboxes", value: -100 } });
    const { type, inputs } = graph.get("home-priority");
    assert.equal(type, "kubernetes:scheduling.k8s.io/v1:PriorityClass");
    assert.equal(inputs["value"], -100);
    assert.equal(inputs["preemptionPolicy"], "Never");
    assert.equal(inputs["globalDefault"], false);
    const pushing = await named({
      priority: {
        className: "sandboxes",
        value: 10,
        preemptionPolicy: PreemptionPolicy.PreemptLowerPriority,
      },
    });
    assert.equal(pushing.get("home-priority").inputs["preemptionPolicy"], "PreemptLowerPriority");
  });

  it("is that of the platform's sandboxes", async () => {
    const graph = await record(
      () =>
        new SandboxPlatform("sandlot", {
          image: "sandbox:1",
          namespace: { priority: { className: "sandboxes", value: 0 } },
        }),
    );
    const deployment = graph.get("sandlot-sandbox-deployment");
    assert.equal(at(deployment, "spec.template.spec.priorityClassName"), "sandboxes");
    assert.ok(graph.comesAfter(deployment, graph.get("sandlot-home-priority")));
  });
});
