// Bad arguments of the shared sandbox: scaling, rollout, shutdown, place, variables and volumes; and of its namespace's priority.
import {
  NodeOperator,
  PreemptionPolicy,
  type AntiAffinity,
  type SandboxDeploymentArgs,
  type SandboxNamespaceArgs,
  type SandboxVolume,
} from "@sandlot/components";

import { resolve } from "../../../components/sandbox-deployment/validate";
import { resolve as resolveNamespace } from "../../../components/sandbox-namespace/args";
import { refuses } from "../../support/refuses";

const good: SandboxDeploymentArgs = {
  namespace: "sandlot",
  image: "sandbox:1",
  serviceAccountName: "sandbox",
};
const digest = `registry.example.com/sandbox@sha256:${"0".repeat(64)}`;

refuses<SandboxDeploymentArgs>(
  "SandboxDeployment",
  resolve,
  { ...good, image: digest, requireDigest: true },
  [
    [
      { image: "sandbox:1" },
      /image is "sandbox:1", but must be an image reference with its digest.*requireDigest is true/,
    ],
    [{ image: "sandbox" }, /image is "sandbox"/],
  ],
);

refuses<SandboxDeploymentArgs>("SandboxDeployment", resolve, { ...good, autoscaling: { maxReplicas: 8 } }, [
  [{ replicas: 3 }, /replicas is 3, but autoscaling is given/],
  [{ autoscaling: { maxReplicas: 1 } }, /autoscaling\.maxReplicas is 1, but autoscaling\.minReplicas is 2/],
  [
    { autoscaling: { minReplicas: 0, maxReplicas: 2 } },
    /autoscaling\.minReplicas is 0, but must be a whole number from 1/,
  ],
  [{ autoscaling: { maxReplicas: 1001 } }, /autoscaling\.maxReplicas is 1001/],
  [{ autoscaling: { maxReplicas: 8, cpuPercent: 0 } }, /autoscaling has nothing to go by/],
  [{ autoscaling: { maxReplicas: 8, cpuPercent: 7.5 } }, /autoscaling\.cpuPercent is 7\.5/],
  [{ autoscaling: { maxReplicas: 8, scaleDownSeconds: -1 } }, /autoscaling\.scaleDownSeconds is -1/],
  [
    { autoscaling: { maxReplicas: 8, podMetrics: [{ name: "a b", averageValue: "1" }] } },
    /autoscaling\.podMetrics\[0\]\.name is "a b"/,
  ],
  [
    { autoscaling: { maxReplicas: 8, podMetrics: [{ name: "a", averageValue: "0" }] } },
    /podMetrics\[0\]\.averageValue is "0", but must be a Kubernetes quantity above zero/,
  ],
  [
    {
      autoscaling: {
        maxReplicas: 8,
        podMetrics: [
          { name: "a", averageValue: "1" },
          { name: "a", averageValue: "2" },
        ],
      },
    },
    /podMetrics\[1\]\.name is a, which an earlier entry has/,
  ],
  [{ disruption: { minAvailable: "2" } }, /minAvailable is "2" with 2 replicas/],
]);

const volume = (change: Partial<SandboxVolume>): Partial<SandboxDeploymentArgs> => ({
  volumes: [{ name: "data", mountPath: "/mnt/data", configMap: { name: "data" }, ...change }],
});

refuses<SandboxDeploymentArgs>("SandboxDeployment", resolve, good, [
  [
    { rollout: { maxSurge: "0" } },
    /rollout\.maxSurge is "0" and rollout\.maxUnavailable is "0", so that no update could ever begin/,
  ],
  [{ rollout: { maxSurge: "0%", maxUnavailable: "0" } }, /no update could ever begin/],
  [{ rollout: { maxSurge: "some" } }, /rollout\.maxSurge is "some", but must be a number such as/],
  [{ rollout: { maxUnavailable: "101%" } }, /rollout\.maxUnavailable is "101%"/],
  [{ rollout: { minReadySeconds: -1 } }, /rollout\.minReadySeconds is -1/],
  [{ rollout: { progressDeadlineSeconds: 5 } }, /rollout\.progressDeadlineSeconds is 5/],
  [
    { rollout: { minReadySeconds: 60, progressDeadlineSeconds: 60 } },
    /rollout\.minReadySeconds is 60, but rollout\.progressDeadlineSeconds is 60, so that every update would fail/,
  ],
  [
    { shutdown: { settleSeconds: 301 }, terminationGracePeriodSeconds: 3600 },
    /shutdown\.settleSeconds is 301/,
  ],
  [{ shutdown: { drainSeconds: -1 } }, /shutdown\.drainSeconds is -1/],
  [
    { shutdown: { settleSeconds: 5, drainSeconds: 25 } },
    /terminationGracePeriodSeconds is 30, but shutdown\.settleSeconds, shutdown\.drainSeconds and 5 for the server's own end are 35/,
  ],
  [{ placement: { nodeSelector: { a: "b c" } } }, /placement\.nodeSelector is/],
  [{ placement: { tolerations: [{ key: "" }] } }, /placement\.tolerations\[0\]\.key is ""/],
  [
    { spread: false, placement: { topologySpread: [{ topologyKey: "zone" }] } },
    /placement\.topologySpread is given, but spread is false/,
  ],
  [
    { placement: { topologySpread: [{ topologyKey: "" }] } },
    /placement\.topologySpread\[0\]\.topologyKey is ""/,
  ],
  [
    { placement: { topologySpread: [{ topologyKey: "zone", maxSkew: 0 }] } },
    /topologySpread\[0\]\.maxSkew is 0/,
  ],
  [
    { placement: { topologySpread: [{ topologyKey: "zone" }, { topologyKey: "zone" }] } },
    /topologySpread\[1\]\.topologyKey is zone, which an earlier entry has/,
  ],
  [
    { placement: { antiAffinity: "hard" as AntiAffinity } },
    /placement\.antiAffinity is "hard", but must be one of None, Preferred, Required/,
  ],
  [{ placement: { requiredNodes: [{ key: "a b", values: ["c"] }] } }, /requiredNodes\[0\]\.key is "a b"/],
  [
    { placement: { requiredNodes: [{ key: "disk" }] } },
    /requiredNodes\[0\]\.values has 0, but operator In takes one or more/,
  ],
  [
    { placement: { requiredNodes: [{ key: "disk", operator: NodeOperator.Exists, values: ["ssd"] }] } },
    /requiredNodes\[0\]\.values has 1, but operator Exists takes none/,
  ],
  [
    { placement: { requiredNodes: [{ key: "cores", operator: NodeOperator.Gt, values: ["many"] }] } },
    /requiredNodes\[0\]\.values\[0\] is "many", but must be a whole number/,
  ],
  [
    { placement: { requiredNodes: [{ key: "disk", operator: "Is" as NodeOperator, values: ["ssd"] }] } },
    /requiredNodes\[0\]\.operator is "Is"/,
  ],
  [
    { placement: { preferredNodes: [{ weight: 1, requirements: [] }] } },
    /preferredNodes\[0\]\.requirements is empty/,
  ],
  [
    { placement: { preferredNodes: [{ weight: 101, requirements: [{ key: "a", values: ["b"] }] }] } },
    /preferredNodes\[0\]\.weight is 101/,
  ],
  [
    { placement: { near: [{ podLabels: {} }] } },
    /placement\.near\[0\]\.podLabels is \{\}, but must be at least one label/,
  ],
  [
    { placement: { awayFrom: [{ podLabels: { a: "b" }, topologyKey: "" }] } },
    /placement\.awayFrom\[0\]\.topologyKey is ""/,
  ],
  [{ priorityClassName: "A" }, /priorityClassName is "A"/],

  [{ env: [{ name: "A" }] }, /env\[0\] has none of value, secret and configMap; give exactly one/],
  [
    { env: [{ name: "A", value: "1", secret: { name: "s", key: "k" } }] },
    /env\[0\] has several of value, secret and configMap/,
  ],
  [{ env: [{ name: "A", secret: { name: "S", key: "k" } }] }, /env\[0\]\.secret\.name is "S"/],
  [{ env: [{ name: "A", secret: { name: "s", key: "a/b" } }] }, /env\[0\]\.secret\.key is "a\/b"/],
  [{ env: [{ name: "A", configMap: { name: "c", key: "" } }] }, /env\[0\]\.configMap\.key is ""/],
  [
    { env: [{ name: "API_KEY", value: "x" }] },
    /env\[0\]\.value looks like a secret \(variable API_KEY\).*put it into a Secret and name that/,
  ],
  [
    { env: [{ name: "A", value: `ghp_${"a".repeat(36)}` }] },
    /env\[0\]\.value looks like a secret \(variable A\)(?!.*ghp_)/,
  ],
  [{ env: [{ name: "SANDBOXD_DRAIN_SECONDS", value: "1" }] }, /shutdown\.drainSeconds sets it/],

  [
    volume({ configMap: undefined }),
    /volumes\[0\] has none of emptyDir, configMap, secret, claim, projected; give exactly one/,
  ],
  [volume({ secret: { name: "s" } }), /volumes\[0\] has several of/],
  [volume({ name: "home" }), /volumes\[0\]\.name is "home", which is taken/],
  [volume({ name: "A" }), /volumes\[0\]\.name is "A"/],
  [volume({ mountPath: "data" }), /volumes\[0\]\.mountPath is "data", but must be an absolute path/],
  [
    volume({ mountPath: "/etc/ssl" }),
    /mountPath is "\/etc\/ssl", but must be a path outside the system's folders/,
  ],
  [volume({ mountPath: "/" }), /mountPath is "\/"/],
  [volume({ mountPath: "/usr" }), /mountPath is "\/usr"/],
  [volume({ mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }), /outside the system's folders/],
  [volume({ mountPath: "/tmp/" }), /mountPath is "\/tmp\/", but must be a path that does not hide/],
  [volume({ mountPath: "/mnt" }), /mountPath is "\/mnt", but must be a path that does not hide/],
  [volume({ mountPath: "/home" }), /does not hide/],
  [volume({ subPath: "../x" }), /volumes\[0\]\.subPath is "\.\.\/x", but must be a folder inside the volume/],
  [volume({ subPath: "/x" }), /volumes\[0\]\.subPath/],
  [volume({ configMap: { name: "A" } }), /volumes\[0\]\.configMap\.name is "A"/],
  [volume({ configMap: undefined, claim: { name: "" } }), /volumes\[0\]\.claim\.name is ""/],
  [volume({ configMap: undefined, projected: {} }), /volumes\[0\]\.projected is empty/],
  [
    volume({ configMap: undefined, projected: { secrets: [{ name: "A" }] } }),
    /volumes\[0\]\.projected\.secrets\[0\]\.name is "A"/,
  ],
  [
    volume({ configMap: undefined, emptyDir: { sizeLimit: "big" } }),
    /volumes\[0\]\.emptyDir\.sizeLimit is "big"/,
  ],
  [
    volume({ configMap: undefined, emptyDir: { sizeLimit: "2Gi" } }),
    /emptyDir\.sizeLimit is "2Gi", but resources\.limits\.ephemeralStorage is "1Gi"/,
  ],
  [
    {
      volumes: [
        { name: "a", mountPath: "/mnt/a", emptyDir: { sizeLimit: "1Mi" } },
        { name: "a", mountPath: "/mnt/b", emptyDir: { sizeLimit: "1Mi" } },
      ],
    },
    /volumes\[1\]\.name is "a", which is taken/,
  ],
  [
    {
      volumes: [
        { name: "a", mountPath: "/mnt/a", emptyDir: { sizeLimit: "1Mi" } },
        { name: "b", mountPath: "/mnt/a/", emptyDir: { sizeLimit: "1Mi" } },
      ],
    },
    /volumes\[1\]\.mountPath is \/mnt\/a, where an earlier volume is/,
  ],
]);

refuses<SandboxNamespaceArgs>(
  "SandboxNamespace",
  resolveNamespace,
  { priority: { className: "sandboxes", value: -10 } },
  [
    [
      { priority: { className: "system-node-critical" } },
      /priority\.className is "system-node-critical", but must be a class for ordinary pods/,
    ],
    [{ priority: { className: "A" } }, /priority\.className is "A"/],
    [{ priority: { className: "a", value: 1_000_000_001 } }, /priority\.value is 1000000001/],
    [{ priority: { className: "a", value: 1.5 } }, /priority\.value is 1\.5/],
    [
      { priority: { className: "a", value: 1, preemptionPolicy: "Always" as PreemptionPolicy } },
      /priority\.preemptionPolicy is "Always", but must be one of Never, PreemptLowerPriority/,
    ],
    [
      { priority: { className: "a", preemptionPolicy: PreemptionPolicy.Never } },
      /priority\.preemptionPolicy is Never, but without priority\.value/,
    ],
  ],
);
