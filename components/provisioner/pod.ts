// The provisioner's Deployment and pod, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import type { ComputeAmounts } from "../sandbox-deployment/args";
import { serviceSpread } from "../sandbox-deployment/placement";
import { hardenedContainer, hardenedPod, sandboxUser } from "../shared/hardening";
import { keyFiles } from "./keys";
import {
  apiPort,
  apiPortName,
  metricsPort,
  metricsPortName,
  provisionerLabels,
  provisionerName,
  provisionerSelector,
} from "./objects";
import type { ProvisionerSettings } from "./resolve";
import { tracingVariables } from "./tracing";

type Variable = k8s.types.input.core.v1.EnvVar;

/** Where the keys are in the pod. */
const keysFolder = "/etc/sandlot/keys";

/** Where the file of clusters and their kubeconfigs are in the pod. */
const clustersFolder = "/etc/sandlot/clusters";

/** Seconds for which a pod that is to end goes on serving, while nodes and clients learn of it. */
const settleSeconds = 3;

/** What is left of the grace period after that and after what is under way was cut: to write down what it knows, and to end. */
const endSeconds = 7;

/**
 * How long a container has that a probe gave up. Seconds. What does not answer has nothing to end in order, and until it is gone the
 * kubelet, which asks it no more, starts no other.
 */
const hung = { terminationGracePeriodSeconds: 15 };

/** What is only known when other objects are. */
export interface PodParts {
  readonly serviceAccountName: pulumi.Input<string>;
  /** The Secret with the keys. */
  readonly secretName: pulumi.Input<string>;
  /** Changes with the signing key, which is read at start only; undefined where somebody else keeps the Secret. */
  readonly keyRevision: pulumi.Input<string> | undefined;
  /** What sandboxes' URLs begin with. */
  readonly url: pulumi.Input<string>;
}

/** The Deployment: a new pod is Ready before an old one goes. */
export function deploymentArgs(settings: ProvisionerSettings, parts: PodParts): k8s.apps.v1.DeploymentArgs {
  const { systemNamespace: namespace, replicas } = settings;
  return {
    metadata: { name: provisionerName, namespace, labels: provisionerLabels },
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { ...provisionerSelector } },
      template: {
        metadata: {
          labels: { ...provisionerLabels },
          ...(parts.keyRevision === undefined
            ? {}
            : { annotations: { "sandlot.dev/signing-key-revision": parts.keyRevision } }),
        },
        spec: podSpec(settings, parts),
      },
    },
  };
}

function podSpec(settings: ProvisionerSettings, parts: PodParts): k8s.types.input.core.v1.PodSpec {
  const { imagePullSecrets } = settings;
  return {
    serviceAccountName: parts.serviceAccountName,
    // The one account of ours that talks to the API server.
    automountServiceAccountToken: true,
    enableServiceLinks: false,
    ...(imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    terminationGracePeriodSeconds: settings.terminationGracePeriodSeconds,
    // Without it, the files of the Secret would be root's alone.
    securityContext: { ...hardenedPod, fsGroup: sandboxUser, fsGroupChangePolicy: "OnRootMismatch" },
    ...serviceSpread(provisionerSelector),
    containers: [container(settings, parts)],
    volumes: [
      { name: "keys", secret: { secretName: parts.secretName, defaultMode: 0o440 } },
      ...(settings.clustersSecret === undefined
        ? []
        : [{ name: "clusters", secret: { secretName: settings.clustersSecret, defaultMode: 0o440 } }]),
    ],
  };
}

function container(settings: ProvisionerSettings, parts: PodParts): k8s.types.input.core.v1.Container {
  const { requests, limits } = settings.resources;
  const probe = (path: string) => ({ httpGet: { path, port: apiPortName }, timeoutSeconds: 3 });
  return {
    name: provisionerName,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    ports: [
      { name: apiPortName, containerPort: apiPort, protocol: "TCP" },
      { name: metricsPortName, containerPort: metricsPort, protocol: "TCP" },
    ],
    env: variables(settings, parts),
    resources: { requests: amounts(requests), limits: amounts(limits) },
    securityContext: hardenedContainer,
    startupProbe: { ...probe("/readyz"), ...hung, periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...probe("/livez"), ...hung, periodSeconds: 10, failureThreshold: 3 },
    lifecycle: { preStop: { sleep: { seconds: settleSeconds } } },
    volumeMounts: [
      { name: "keys", mountPath: keysFolder, readOnly: true },
      ...(settings.clustersSecret === undefined
        ? []
        : [{ name: "clusters", mountPath: clustersFolder, readOnly: true }]),
    ],
  };
}

/** The variables of provisioner/src/config/variables.ts. None holds a secret, but one may name one. */
function variables(settings: ProvisionerSettings, { url }: PodParts): Variable[] {
  const { timeouts } = settings;
  const given: Record<string, pulumi.Input<string> | number | undefined> = {
    PORT: apiPort,
    METRICS_PORT: metricsPort,
    LOG_LEVEL: settings.logLevel,
    K8S_NAMESPACE: settings.namespace,
    SANDBOX_SERVICE_ACCOUNT: settings.sandboxServiceAccountName,
    SANDBOX_SERVICE_TYPE: settings.sandboxUrls,
    NODE_HOST: settings.nodeHost,
    ROUTER_URL: url,
    ROUTER_HOST_SUFFIX: settings.hostSuffix,
    DEFAULT_ENVIRONMENT: settings.defaultEnvironment,
    MAX_SANDBOXES: settings.maxSandboxes,
    POOL_MAX_STARTING: settings.poolMaxStarting,
    SKILLS_PVC_NAME: settings.skillsClaimName,
    USERDATA_PVC_NAME: settings.userDataClaimName,
    DEER_FLOW_HOST_BASE_DIR: settings.deerflowBaseDir,
    // The namespace's Pod Security lets in no pod that mounts a folder of its node.
    HOST_PATH_MOUNTS: "false",
    EGRESS_PROXY_URL: settings.egressProxyUrl,
    API_KEYS_FILE: `${keysFolder}/${keyFiles.apiKeys}`,
    CLUSTERS_FILE: settings.clustersSecret === undefined ? undefined : `${clustersFolder}/clusters.json`,
    SIGNING_KEY_FILE: `${keysFolder}/${keyFiles.signingKey}`,
    READY_TIMEOUT_SECONDS: timeouts.readySeconds,
    SOFT_TIMEOUT_SECONDS: timeouts.softSeconds,
    HARD_TIMEOUT_SECONDS: timeouts.hardSeconds,
    DEERFLOW_IDLE_SECONDS: timeouts.deerflowIdleSeconds,
    START_TIMEOUT_SECONDS: timeouts.startSeconds,
    FAILED_SECONDS: timeouts.failedSeconds,
    POOL_MAX_AGE_SECONDS: timeouts.poolMaxAgeSeconds,
    DRAIN_SECONDS: settings.terminationGracePeriodSeconds - settleSeconds - endSeconds,
    CLUSTER_LOST_SECONDS: timeouts.clusterLostSeconds,
  };
  const plain = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: typeof value === "number" ? String(value) : value }],
  );
  // The API server fills in the version and takes the whole for one value: without it, another field manager's apply would conflict.
  return [
    ...plain,
    ...tracingVariables(settings.tracing),
    { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
  ];
}

function amounts({ cpu, memory, ephemeralStorage }: Required<ComputeAmounts>): Record<string, string> {
  return { cpu, memory, "ephemeral-storage": ephemeralStorage };
}
