// Configuration of namespace, runtime and sandboxes: how it becomes arguments, and what is refused.
import assert from "node:assert/strict";

import {
  AntiAffinity,
  ContainerdLayout,
  GvisorMode,
  GvisorPlatform,
  NodeArchitecture,
  NodeOperator,
  PreemptionPolicy,
  TaintEffect,
  TolerationOperator,
} from "@sandlot/components";

import { clusterArguments } from "../../../infra/arguments/cluster";
import { deploymentArguments } from "../../../infra/arguments/deployment";
import { namespaceArguments } from "../../../infra/arguments/namespace";
import { runtimeArguments } from "../../../infra/arguments/runtime";
import { ConfigError, parseConfig } from "../../../infra/config/load";
import type { SandlotConfig } from "../../../infra/config/schema";

/** Configuration as the engine hands it over. */
function parsed(config: Readonly<Record<string, unknown>>): SandlotConfig {
  return parseConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [`sandlot:${key}`, JSON.stringify(value)]),
    ),
  );
}

const sum = "0".repeat(128);

describe("configuration of the namespace", () => {
  it("reaches every argument", () => {
    const namespace = {
      labels: { team: "a" },
      quota: {
        pods: 7,
        cpu: "4",
        requests: { cpu: "1", memory: "2Gi", ephemeralStorage: "3Gi" },
        persistentVolumeClaims: 1,
        services: 2,
        nodePorts: 0,
      },
      limits: { defaultRequests: { cpu: "50m" }, defaultLimits: { cpu: "2" } },
      priority: { className: "sandboxes", value: -10, preemptionPolicy: "PreemptLowerPriority" },
    };
    assert.deepEqual(namespaceArguments(parsed({ namespace })), {
      labels: { team: "a" },
      limits: namespace.limits,
      quota: {
        pods: 7,
        limitsCpu: "4",
        requestsCpu: "1",
        requestsMemory: "2Gi",
        requestsEphemeralStorage: "3Gi",
        persistentVolumeClaims: 1,
        services: 2,
        nodePorts: 0,
      },
      priority: {
        className: "sandboxes",
        value: -10,
        preemptionPolicy: PreemptionPolicy.PreemptLowerPriority,
      },
    });
  });

  it("says nothing of what is not configured", () => {
    assert.deepEqual(namespaceArguments({}), { quota: {} });
  });
});

describe("configuration of the runtime", () => {
  it("reaches every argument", () => {
    const runtime = {
      mode: "install",
      className: "walled",
      handler: "gv",
      overhead: { cpu: "50m", memory: "64Mi" },
      nodeSelector: { pool: "sandboxes" },
      tolerations: [{ key: "sandboxes", operator: "Exists", effect: "NoSchedule" }],
      install: {
        image: "tools:1",
        imagePullSecrets: ["registry"],
        release: "20260323.0",
        baseUrl: "https://mirror.example.com/gvisor",
        checksums: [{ architecture: "aarch64", runsc: sum, shim: sum }],
        folder: "/opt/gvisor/bin",
        platform: "kvm",
        containerd: {
          layout: "k3s",
          configFile: "/etc/k3s/config.toml",
          restartCommand: "service k3s restart",
        },
        namespace: "gvisor",
      },
      check: { enabled: false, timeoutSeconds: 60 },
    };
    assert.deepEqual(runtimeArguments(parsed({ runtime })), {
      gvisor: true,
      gvisorCheck: { enabled: false, timeoutSeconds: 60 },
      runtime: {
        mode: GvisorMode.Install,
        runtimeClassName: "walled",
        handler: "gv",
        overhead: { cpu: "50m", memory: "64Mi" },
        nodeSelector: { pool: "sandboxes" },
        tolerations: [
          { key: "sandboxes", operator: TolerationOperator.Exists, effect: TaintEffect.NoSchedule },
        ],
        install: {
          ...runtime.install,
          platform: GvisorPlatform.Kvm,
          checksums: [{ architecture: NodeArchitecture.Aarch64, runsc: sum, shim: sum }],
          containerd: { ...runtime.install.containerd, layout: ContainerdLayout.K3s },
        },
      },
    });
    assert.deepEqual(runtimeArguments(parsed({ runtime: { existing: true } })).runtime, { existing: true });
  });

  it("says nothing of what is not configured, and nothing but that without gVisor", () => {
    assert.deepEqual(runtimeArguments({}), { gvisor: true, runtime: {} });
    assert.deepEqual(runtimeArguments(parsed({ runtime: { isolation: "none" } })), { gvisor: false });
  });
});

describe("configuration of sandboxes", () => {
  it("reaches every argument", () => {
    const sandbox = {
      requireDigest: true,
      autoscaling: {
        minReplicas: 3,
        maxReplicas: 9,
        cpuPercent: 50,
        podMetrics: [{ name: "m", averageValue: "4" }],
        scaleDownSeconds: 60,
      },
      rollout: { maxSurge: "25%", maxUnavailable: "1", minReadySeconds: 2, progressDeadlineSeconds: 90 },
      shutdown: { settleSeconds: 5, drainSeconds: 300 },
      placement: {
        spread: true,
        nodeSelector: { pool: "sandboxes" },
        tolerations: [{ key: "a", value: "b" }],
        topologySpread: [{ topologyKey: "zone", maxSkew: 2, required: true }],
        antiAffinity: "required",
        requiredNodes: [{ key: "disk", operator: "In", values: ["ssd"] }],
        preferredNodes: [{ weight: 5, requirements: [{ key: "spot", operator: "DoesNotExist" }] }],
        near: [{ podLabels: { a: "b" }, required: true }],
        awayFrom: [{ podLabels: { c: "d" }, topologyKey: "zone" }],
      },
      environment: { LANG: "C" },
      environmentFrom: [{ name: "KEY", secret: { name: "keys", key: "api", optional: true } }],
      volumes: [
        { name: "shm", mountPath: "/mnt/shm", emptyDir: { sizeLimit: "1Gi", medium: "memory" } },
        { name: "data", mountPath: "/mnt/data", subPath: "a", readOnly: false, claim: { name: "data" } },
        { name: "all", mountPath: "/mnt/all", projected: { secrets: [{ name: "s" }] } },
      ],
      terminationGracePeriodSeconds: 400,
    };
    const args = deploymentArguments(parsed({ sandbox }));
    assert.deepEqual(args?.autoscaling, sandbox.autoscaling);
    assert.deepEqual(args.rollout, sandbox.rollout);
    assert.deepEqual(args.shutdown, sandbox.shutdown);
    assert.equal(args.requireDigest, true);
    assert.equal(args.spread, true);
    assert.deepEqual(args.placement, {
      nodeSelector: { pool: "sandboxes" },
      tolerations: [{ key: "a", value: "b" }],
      topologySpread: sandbox.placement.topologySpread,
      antiAffinity: AntiAffinity.Required,
      requiredNodes: [{ key: "disk", operator: NodeOperator.In, values: ["ssd"] }],
      preferredNodes: [{ weight: 5, requirements: [{ key: "spot", operator: NodeOperator.DoesNotExist }] }],
      near: sandbox.placement.near,
      awayFrom: sandbox.placement.awayFrom,
    });
    assert.deepEqual(args.env, [
      { name: "LANG", value: "C" },
      { name: "KEY", secret: { name: "keys", key: "api", optional: true } },
    ]);
    assert.deepEqual(args.volumes, [
      { name: "shm", mountPath: "/mnt/shm", emptyDir: { sizeLimit: "1Gi", inMemory: true } },
      ...sandbox.volumes.slice(1),
    ]);
  });

  it("that scale by CPU have the development cluster measure it, and others do not", () => {
    const left = (config: Readonly<Record<string, unknown>>): unknown => {
      const around = { stack: "dev", stateDir: "/state" };
      return clusterArguments(parsed(config), around, { nodeImage: "node:1" }).disable;
    };
    const byOther = { maxReplicas: 4, cpuPercent: 0, podMetrics: [{ name: "m", averageValue: "4" }] };
    assert.deepEqual(left({ sandbox: { autoscaling: { maxReplicas: 4 } } }), ["traefik", "servicelb"]);
    for (const sandbox of [{}, { autoscaling: byOther }]) assert.equal(left({ sandbox }), undefined);
    assert.deepEqual(left({ cluster: { disable: [] }, sandbox: { autoscaling: byOther } }), []);
  });
});

describe("configuration of namespace, runtime and sandboxes that is wrong", () => {
  for (const [title, config, says] of [
    [
      "a priority without a class",
      { namespace: { priority: { value: 1 } } },
      /namespace\.priority\.className is missing/,
    ],
    [
      "a priority out of range",
      { namespace: { priority: { className: "a", value: 2_000_000_000 } } },
      /priority\.value is 2000000000; allowed: an integer from -2147483648/,
    ],
    ["an unknown mode", { runtime: { mode: "instal" } }, /runtime\.mode is "instal".*Did you mean install\?/],
    [
      "no image to install with",
      { runtime: { mode: "install", install: {} } },
      /runtime\.install\.image is missing/,
    ],
    [
      "a checksum that is none",
      {
        runtime: {
          install: { image: "a:1", checksums: [{ architecture: "x86_64", runsc: "0", shim: sum }] },
        },
      },
      /checksums\[0\]\.runsc is "0"; allowed: a SHA-512/,
    ],
    [
      "a release that is a number",
      { runtime: { install: { image: "a:1", release: 20260209.1 } } },
      /install\.release is 20260209\.1/,
    ],
    [
      "an unknown platform",
      { runtime: { install: { image: "a:1", platform: "systrp" } } },
      /Did you mean systrap\?/,
    ],
    [
      "a check that is too short",
      { runtime: { check: { timeoutSeconds: 1 } } },
      /check\.timeoutSeconds is 1; allowed: an integer from 10/,
    ],
    [
      "no maximum to scale to",
      { sandbox: { autoscaling: {} } },
      /sandbox\.autoscaling\.maxReplicas is missing/,
    ],
    [
      "two ways to say how many",
      { sandbox: { replicas: 2, autoscaling: { maxReplicas: 4 } } },
      /sandbox\.replicas is 2: autoscaling decides how many there are/,
    ],
    [
      "a budget that blocks drains of the least",
      { sandbox: { minAvailable: 3, autoscaling: { minReplicas: 3, maxReplicas: 9 } } },
      /minAvailable is 3: must be less than replicas \(3\)/,
    ],
    [
      "CPU to go by, and nothing that measures it",
      { cluster: { disable: ["traefik", "metrics-server"] }, sandbox: { autoscaling: { maxReplicas: 4 } } },
      /cluster\.disable is .*sandbox\.autoscaling goes by CPU, which metrics-server measures/,
    ],
    [
      "a surge that is a number",
      { sandbox: { rollout: { maxSurge: 1 } } },
      /rollout\.maxSurge is 1; allowed: a number or a percentage in quotes/,
    ],
    [
      "an unknown anti-affinity",
      { sandbox: { placement: { antiAffinity: "hard" } } },
      /antiAffinity is "hard"; allowed: one of none/,
    ],
    [
      "an unknown operator",
      { sandbox: { placement: { requiredNodes: [{ key: "a", operator: "in" }] } } },
      /operator is "in".*Did you mean In\?/,
    ],
    [
      "a variable with a bad name",
      { sandbox: { environmentFrom: [{ name: "1A" }] } },
      /environmentFrom\[0\]\.name is "1A"/,
    ],
    [
      "a folder of the node as volume",
      { sandbox: { volumes: [{ name: "a", mountPath: "/a", hostPath: { path: "/" } }] } },
      /volumes\[0\]\.hostPath is not a setting/,
    ],
    [
      "a volume's relative path",
      { sandbox: { volumes: [{ name: "a", mountPath: "a" }] } },
      /mountPath is "a"; allowed: an absolute path/,
    ],
  ] as const) {
    it(`${title}: one clear error`, () => {
      assert.throws(
        () => parsed(config),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.equal(error.problems.length, 1, error.message);
          assert.match(error.message, says);
          return true;
        },
      );
    });
  }
});
