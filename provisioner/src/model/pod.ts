// The pod of a sandbox, built from plain data. Its walls are those of the shared sandbox (components/sandbox-deployment/pod.ts);
// a test holds the two against each other.
import type {
  V1Container,
  V1EnvVar,
  V1Pod,
  V1PodSpec,
  V1Volume,
  V1VolumeMount,
} from "@kubernetes/client-node";

import { looksNamesUp } from "./egress.js";
import { revisionOf, type Environment } from "./environment.js";
import * as label from "./labels.js";
import { digest } from "./names.js";
import { probesOf } from "./probes.js";
import { shellSessionsOf } from "./shell-sessions.js";

/** The user and group that a sandbox runs as. */
const sandboxUser = 1000;

/** Where a sandbox sees its user's data. */
const userDataPath = "/mnt/user-data";

/** A place in the sandbox's file system that is not of its image. */
export interface MountedVolume {
  readonly volume: V1Volume;
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly subPath?: string;
}

/**
 * Whose server is in sandboxes. `sandboxd`, ours, is handed over at the claim and answers nobody before. `aio` is any other with
 * the AIO sandbox API: there is nothing to hand over, and its readiness is that of its API.
 */
export const sandboxServers = ["sandboxd", "aio"] as const;
export type SandboxServer = (typeof sandboxServers)[number];

/** What all pods share. */
export interface PodSettings {
  readonly namespace: string;
  readonly port: number;
  readonly serviceAccountName: string;
  readonly server: SandboxServer;
}

/** What one pod is. */
export interface PodRequest {
  readonly name: string;
  readonly environment: Environment;
  /** Proves to the sandbox's server who may hand it over; the pod holds only its hash. */
  readonly claimSecret: string;
  /** Which signing key that is made from; absent: it is not noted. */
  readonly keyId?: string;
  /** Places beside the home folder and `/tmp`; without one at `/mnt/user-data` an empty one is put there. */
  readonly volumes: readonly MountedVolume[];
  /** Whether it has volumes or a size of its own, so that no pool pod would have done in its place. */
  readonly madeToOrder?: boolean;
  /** What makes it somebody's from its first moment; absent for pool pods. */
  readonly claim?: ClaimMetadata;
  /** The kubelet ends it so long after its start, even if nobody else is alive to do it. Seconds. */
  readonly deadlineSeconds: number;
}

/** What a claim writes on a pod. */
export interface ClaimMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Its whole life, from the claim. */
  readonly hardSeconds: number;
}

/** The pod. */
export function buildPod(request: PodRequest, settings: PodSettings): V1Pod {
  const { name, environment, claim, keyId, madeToOrder = false } = request;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: settings.namespace,
      labels: {
        ...label.commonLabels,
        [label.ENVIRONMENT]: environment.name,
        [label.STATE]: "idle",
        [label.EGRESS]: "blocked",
        [label.POD]: name,
        ...claim?.labels,
      },
      annotations: {
        [label.REVISION]: revisionOf(environment, settings),
        [label.SHELL_SESSIONS]: String(shellSessionsOf(environment, settings.server)),
        ...(keyId === undefined ? {} : { [label.SIGNING_KEY]: keyId }),
        ...(madeToOrder ? { [label.MADE_TO_ORDER]: "true" } : {}),
        ...claim?.annotations,
      },
    },
    spec: podSpec(request, settings),
  };
}

function podSpec(request: PodRequest, settings: PodSettings): V1PodSpec {
  const { environment, deadlineSeconds } = request;
  const { runtimeClassName, priorityClassName } = environment;
  const places = allVolumes(request.volumes);
  return {
    serviceAccountName: settings.serviceAccountName,
    automountServiceAccountToken: false,
    // Addresses of all Services in environment variables would be a map of the namespace.
    enableServiceLinks: false,
    // A sandbox whose server ended has lost its sessions, its secrets and its token: another start would be another sandbox.
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 5,
    activeDeadlineSeconds: deadlineSeconds,
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...environment.placement,
    ...(environment.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: environment.imagePullSecrets.map((name) => ({ name })) }),
    ...names(request),
    securityContext: {
      runAsNonRoot: true,
      runAsUser: sandboxUser,
      runAsGroup: sandboxUser,
      fsGroup: sandboxUser,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...ownership(environment, places),
    containers: [container(request, settings, places)],
    volumes: uniqueVolumes(places),
  };
}

/**
 * The network lets only profile `open` to the DNS. Where no claim of the pod can come to that, programs are told at once: nobody
 * listens at port 53 of the pod's own loopback, so that the question is refused, while one that is dropped is waited for, 10 s by
 * the C library's own measure. Who does not hear of the refusal (musl) waits one second.
 */
function names({ environment, claim }: PodRequest): Partial<V1PodSpec> {
  if (looksNamesUp(claim?.labels[label.EGRESS] ?? environment.egress)) return {};
  const options = [
    { name: "timeout", value: "1" },
    { name: "attempts", value: "1" },
  ];
  return { dnsPolicy: "None", dnsConfig: { nameservers: ["127.0.0.1"], options } };
}

function container(
  { environment, claimSecret }: PodRequest,
  { port, server }: PodSettings,
  places: readonly MountedVolume[],
): V1Container {
  return {
    name: "sandbox",
    image: environment.image,
    imagePullPolicy: environment.imagePullPolicy,
    ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
    env: [
      { name: "HOME", value: "/home/sandbox" },
      ...Object.entries(environment.env).map(([name, value]) => ({ name, value })),
      ...environment.secrets.map(({ variable, secret, key }) => ({
        name: variable,
        valueFrom: { secretKeyRef: { name: secret, key } },
      })),
      ...(server === "sandboxd"
        ? [{ name: "SANDBOXD_CLAIM_SHA256", value: digest(claimSecret) }, ...usedMarker(places)]
        : []),
    ],
    resources: environment.resources,
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    ...probesOf(server),
    volumeMounts: places.map(
      ({ volume, mountPath, readOnly, subPath }): V1VolumeMount => ({
        name: volume.name,
        mountPath,
        readOnly,
        ...(subPath === undefined ? {} : { subPath }),
      }),
    ),
  };
}

/** Data that outlives the sandbox is marked as used when its server starts, so that what is stale can be told from it. */
function usedMarker(places: readonly MountedVolume[]): V1EnvVar[] {
  const lasting = places.some(
    ({ mountPath, readOnly, volume }) =>
      mountPath === userDataPath && !readOnly && volume.emptyDir === undefined,
  );
  return lasting ? [{ name: "SANDBOXD_USED_MARKER", value: `${userDataPath}/.last-used` }] : [];
}

/**
 * A folder of the node that the kubelet has just made is root's, and `fsGroup` does not reach into hostPath: a first container
 * hands the folders themselves, not what is in them, to the sandbox's user. Only such pods have it.
 */
function ownership(
  { image, imagePullPolicy }: Environment,
  places: readonly MountedVolume[],
): Partial<V1PodSpec> {
  const own = places.filter(({ volume, readOnly }) => volume.hostPath !== undefined && !readOnly);
  if (own.length === 0) return {};
  const init: V1Container = {
    name: "ownership",
    image,
    imagePullPolicy,
    command: ["chown", `${sandboxUser}:${sandboxUser}`, ...own.map(({ mountPath }) => mountPath)],
    resources: {
      requests: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "1Mi" },
      limits: { cpu: "100m", memory: "64Mi", "ephemeral-storage": "1Mi" },
    },
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: false,
      runAsUser: 0,
      capabilities: { drop: ["ALL"], add: ["CHOWN"] },
    },
    volumeMounts: own.map(({ volume, mountPath }) => ({ name: volume.name, mountPath })),
  };
  return { initContainers: [init] };
}

/** The given places over the empty ones that every sandbox can write to. */
function allVolumes(given: readonly MountedVolume[]): MountedVolume[] {
  const empty = (name: string, mountPath: string, sizeLimit: string): MountedVolume => ({
    volume: { name, emptyDir: { sizeLimit } },
    mountPath,
    readOnly: false,
  });
  const taken = new Set(given.map(({ mountPath }) => mountPath));
  const places = [
    empty("home", "/home/sandbox", "256Mi"),
    empty("tmp", "/tmp", "256Mi"),
    empty("user-data", userDataPath, "512Mi"),
  ];
  return [...places.filter(({ mountPath }) => !taken.has(mountPath)), ...given];
}

/** One claim that is mounted at several places is one volume. */
function uniqueVolumes(places: readonly MountedVolume[]): V1Volume[] {
  return [...new Map(places.map(({ volume }) => [volume.name, volume])).values()];
}
