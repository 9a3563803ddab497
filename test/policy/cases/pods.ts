// Cases of the other rules about pods: isolation, resources, images, availability.
import { unknownText } from "../../support/policy";
import {
  budget,
  deployment,
  object,
  podTemplate,
  type Changes,
  type Fields,
} from "../../support/policy-objects";
import { allows, refuses, type Spoil } from "./case";

const pods =
  (changes: Changes): Spoil =>
  (home) => ({ deployment: deployment(home, changes) });
const amounts = { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" };
const token = { projected: { sources: [{ serviceAccountToken: { path: "t" } }] } };
const env = (name: string, value: unknown): Spoil => pods({ container: { env: [{ name, value }] } });

/** An autoscaler of the sandboxes, and a Deployment that leaves the number of pods to it. */
const scaled =
  (minReplicas: unknown): Spoil =>
  (home) => ({
    deployment: deployment(home, { deployment: { replicas: undefined } }),
    scaler: object(home, "scaler", "autoscaling/v2:HorizontalPodAutoscaler", {
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "deployment" },
        minReplicas,
        maxReplicas: 9,
      },
    }),
  });
const budgetOf =
  (spec: Fields | undefined): Spoil =>
  (home) => ({ budget: spec === undefined ? undefined : budget(home, spec) });
const other = { "app.kubernetes.io/name": "other" };

export const refused = [
  ...refuses("read-only-root-file-system", [
    "writable",
    pods({ own: { readOnlyRootFilesystem: false } }),
    "deployment",
    /can write to its root file system/,
  ]),
  ...refuses("runtime-class-required", [
    "no class",
    pods({ spec: { runtimeClassName: undefined } }),
    "deployment",
    /runtimeClassName/,
  ]),
  ...refuses(
    "no-service-account-token",
    [
      "left on",
      pods({ spec: { automountServiceAccountToken: undefined } }),
      "deployment",
      /automountServiceAccountToken is not false/,
    ],
    [
      "asked for",
      pods({ spec: { automountServiceAccountToken: true } }),
      "deployment",
      /automountServiceAccountToken is not false/,
    ],
    [
      "projected",
      pods({ spec: { volumes: [{ name: "t", ...token }] } }),
      "deployment",
      /projects a service account token/,
    ],
  ),
  ...refuses(
    "no-secrets-in-environment",
    ["by name", env("OPENAI_API_KEY", "x"), "deployment", /variable OPENAI_API_KEY/],
    ["by value", env("AUTH", "ghp_0123456789012345678901234567890123456789"), "deployment", /variable AUTH/],
  ),
  ...refuses(
    "resource-limits-required",
    [
      "nothing stated",
      pods({ container: { resources: undefined } }),
      "deployment",
      /requests\.cpu.*limits\.ephemeral-storage/,
    ],
    [
      "no limit of the disk",
      pods({ container: { resources: { requests: amounts, limits: { cpu: "1", memory: "1Gi" } } } }),
      "deployment",
      /states no limits\.ephemeral-storage/,
    ],
  ),
  ...refuses("ephemeral-volume-limits", [
    "as much as there is",
    pods({ spec: { volumes: [{ name: "tmp", emptyDir: { medium: "Memory" } }] } }),
    "deployment",
    /volume tmp has no sizeLimit/,
  ]),
  ...refuses("bounded-termination", [
    "a day",
    pods({ spec: { terminationGracePeriodSeconds: 86_400 } }),
    "deployment",
    /is 86400, which is more than 3600/,
  ]),
  ...refuses(
    "pinned-images",
    [
      "latest",
      pods({ container: { image: "sandbox:latest" } }),
      "deployment",
      /image sandbox:latest/,
      ["image-digests"],
    ],
    [
      "no tag, but a port",
      pods({ container: { image: "registry.example.com:5000/sandbox" } }),
      "deployment",
      /image registry/,
      ["image-digests"],
    ],
  ),
  ...refuses("image-digests", [
    "a tag",
    pods({ container: { image: "sandlot/sandbox:1.0.0" } }),
    "deployment",
    /image sandlot\/sandbox:1\.0\.0/,
  ]),
  ...refuses(
    "probes-required",
    ["started", pods({ container: { startupProbe: undefined } }), "deployment", /has no startupProbe/],
    ["ready", pods({ container: { readinessProbe: undefined } }), "deployment", /has no readinessProbe/],
    ["alive", pods({ container: { livenessProbe: undefined } }), "deployment", /has no livenessProbe/],
  ),
  ...refuses(
    "minimum-replicas",
    ["two", pods({ deployment: { replicas: 2 } }), "deployment", /keeps 2 pods, which is less than 3/],
    ["nothing said", pods({ deployment: { replicas: undefined } }), "deployment", /keeps 1 pods/],
    ["an autoscaler may go lower", scaled(1), "deployment", /keeps 1 pods/],
  ),
  ...refuses(
    "disruption-budget-required",
    ["none", budgetOf(undefined), "deployment", /No PodDisruptionBudget selects the pods/],
    [
      "for other pods",
      budgetOf({ selector: { matchLabels: other }, maxUnavailable: 1 }),
      "deployment",
      /No PodDisruptionBudget selects the pods/,
    ],
    ["that lets none go", budgetOf({ maxUnavailable: 0 }), "budget", /lets no pod of the Deployment go/],
    ["that keeps all", budgetOf({ minAvailable: 3 }), "budget", /lets no pod of the Deployment go/],
  ),
  ...refuses(
    "topology-spread-required",
    [
      "not at all",
      pods({ spec: { topologySpreadConstraints: undefined } }),
      "deployment",
      /over kubernetes\.io\/hostname/,
    ],
    [
      "over zones only",
      pods({ spec: { topologySpreadConstraints: [{ topologyKey: "topology.kubernetes.io/zone" }] } }),
      "deployment",
      /over kubernetes\.io\/hostname/,
    ],
  ),
];

export const allowed = [
  ...allows("runtime-class-required", [
    "a workload that is no sandbox",
    (home) => ({
      client: object(
        home,
        "client",
        "core/v1:Pod",
        podTemplate({ labels: {}, spec: { runtimeClassName: undefined } }),
      ),
    }),
  ]),
  ...allows("no-service-account-token", [
    "a workload that is no sandbox",
    (home) => ({
      client: object(
        home,
        "client",
        "core/v1:Pod",
        podTemplate({ labels: {}, spec: { automountServiceAccountToken: true } }),
      ),
    }),
  ]),
  ...allows(
    "no-secrets-in-environment",
    [
      "a reference to a Secret",
      pods({
        container: { env: [{ name: "API_KEY", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] },
      }),
    ],
    ["a word with a secret's name in it", env("TOKENIZERS_PARALLELISM", "false")],
  ),
  ...allows("bounded-termination", [
    "a day, where that is configured",
    pods({ spec: { terminationGracePeriodSeconds: 86_400 } }),
    { maximumSeconds: 86_400 },
  ]),
  ...allows("pinned-images", [
    "a digest without a tag",
    pods({ container: { image: `sandbox@sha256:${"0".repeat(64)}` } }),
  ]),
  ...allows(
    "probes-required",
    [
      "those that are asked for",
      pods({ container: { startupProbe: undefined } }),
      { probes: ["livenessProbe"] },
    ],
    [
      "a Job, which ends by itself",
      (home) => ({
        job: object(home, "job", "batch/v1:Job", {
          spec: { template: podTemplate({ container: { livenessProbe: undefined } }) },
        }),
      }),
    ],
  ),
  ...allows(
    "minimum-replicas",
    ["an autoscaler that keeps enough", scaled(3)],
    ["as many as configured", pods({ deployment: { replicas: 2 } }), { minimum: 2 }],
  ),
  ...allows("disruption-budget-required", [
    "one that selects by expressions",
    budgetOf({
      selector: {
        matchExpressions: [
          { key: "app.kubernetes.io/component", operator: "In", values: ["sandbox"] },
          { key: "app.kubernetes.io/name", operator: "Exists" },
          { key: "absent", operator: "DoesNotExist" },
          { key: "app.kubernetes.io/name", operator: "NotIn", values: ["other"] },
        ],
      },
      minAvailable: "50%",
    }),
  ]),
  ...allows("topology-spread-required", [
    "the topology that is asked for",
    pods({ spec: { topologySpreadConstraints: [{ topologyKey: "rack" }] } }),
    { topologyKeys: ["rack"] },
  ]),
];

export const notKnownYet = [
  ...allows("read-only-root-file-system", [
    "the setting",
    pods({ own: { readOnlyRootFilesystem: unknownText } }),
  ]),
  ...allows(
    "runtime-class-required",
    ["the class", pods({ spec: { runtimeClassName: unknownText } })],
    ["who the pods are", pods({ labels: unknownText, spec: { runtimeClassName: undefined } })],
  ),
  ...allows("no-service-account-token", [
    "the token",
    pods({ spec: { automountServiceAccountToken: unknownText } }),
  ]),
  ...allows("no-secrets-in-environment", ["the value", env("API_KEY", unknownText)]),
  ...allows("resource-limits-required", ["the resources", pods({ container: { resources: unknownText } })]),
  ...allows(
    "ephemeral-volume-limits",
    ["the size", pods({ spec: { volumes: [{ name: "tmp", emptyDir: { sizeLimit: unknownText } }] } })],
    ["the volume", pods({ spec: { volumes: [{ name: "tmp", emptyDir: unknownText }] } })],
  ),
  ...allows("bounded-termination", [
    "the time",
    pods({ spec: { terminationGracePeriodSeconds: unknownText } }),
  ]),
  ...allows("pinned-images", ["the image", pods({ container: { image: unknownText } })]),
  ...allows("image-digests", ["the image", pods({ container: { image: unknownText } })]),
  ...allows("probes-required", ["the probe", pods({ container: { livenessProbe: unknownText } })]),
  ...allows(
    "minimum-replicas",
    ["the number", pods({ deployment: { replicas: unknownText } })],
    ["the autoscaler's number", scaled(unknownText)],
  ),
  ...allows(
    "disruption-budget-required",
    ["whom it selects", budgetOf({ selector: unknownText, maxUnavailable: 1 })],
    ["the pods' labels", pods({ labels: unknownText })],
    ["how many it keeps", budgetOf({ minAvailable: unknownText })],
  ),
  ...allows("topology-spread-required", [
    "the constraints",
    pods({ spec: { topologySpreadConstraints: unknownText } }),
  ]),
];
