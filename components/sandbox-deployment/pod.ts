// The sandbox pod, built from plain settings. Every line of its security context is what Pod Security `restricted` asks for,
// or stricter (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted).
import type * as k8s from "@pulumi/kubernetes";

import { httpPort } from "../sandbox-network-policies/policies";
import { commonLabels, EGRESS_LABEL, sandboxSelector } from "../shared/labels";
import type { ComputeAmounts, ProbeTiming } from "./args";
import type { SandboxDeploymentSettings } from "./resolve";

type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;
type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;

/** The port that the server in a sandbox listens on. */
export const containerPort = 8080;

/** The user and group that a sandbox runs as. */
const sandboxUser = 1000;

/** Labels that choose the pods of one Deployment: there may be sandboxes that are not of it. */
export function instanceSelector(name: string): Record<string, string> {
  return { ...sandboxSelector, "app.kubernetes.io/instance": name };
}

/** The labels of objects that belong to the Deployment. */
export function instanceLabels(name: string): Record<string, string> {
  return { ...commonLabels("sandbox"), ...instanceSelector(name) };
}

/** The pod that the Deployment makes copies of. */
export function podTemplate(settings: SandboxDeploymentSettings): PodTemplate {
  const { runtimeClassName, imagePullSecrets } = settings;
  return {
    metadata: { labels: { ...instanceLabels(settings.name), [EGRESS_LABEL]: settings.egress } },
    spec: {
      serviceAccountName: settings.serviceAccountName,
      automountServiceAccountToken: false,
      // Addresses of all Services in environment variables would be a map of the namespace.
      enableServiceLinks: false,
      ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
      ...(imagePullSecrets.length === 0
        ? {}
        : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
      terminationGracePeriodSeconds: settings.terminationGracePeriodSeconds,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: sandboxUser,
        runAsGroup: sandboxUser,
        fsGroup: sandboxUser,
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(settings.spread ? spreading(settings.name) : {}),
      containers: [container(settings)],
      volumes: volumes(settings).map(({ volume }) => volume),
    },
  };
}

function container(settings: SandboxDeploymentSettings): Container {
  const { probes, resources } = settings;
  return {
    name: "sandbox",
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    ports: [{ name: httpPort, containerPort, protocol: "TCP" }],
    env: [{ name: "HOME", value: "/home/sandbox" }, ...settings.env],
    resources: { requests: amounts(resources.requests), limits: amounts(resources.limits) },
    securityContext: {
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    },
    startupProbe: probe(probes.path, probes.startup),
    readinessProbe: probe(probes.path, probes.readiness),
    livenessProbe: probe(probes.path, probes.liveness),
    volumeMounts: volumes(settings).map(({ volume, mountPath, readOnly }) => ({
      name: volume.name,
      mountPath,
      readOnly,
    })),
  };
}

function amounts({ cpu, memory, ephemeralStorage }: Required<ComputeAmounts>): Record<string, string> {
  return { cpu, memory, "ephemeral-storage": ephemeralStorage };
}

function probe(path: string, timing: Required<ProbeTiming>): Probe {
  return { httpGet: { path, port: httpPort }, ...timing };
}

interface MountedVolume {
  volume: k8s.types.input.core.v1.Volume & { name: string };
  mountPath: string;
  readOnly: boolean;
}

function volumes({ writable, skillsClaimName }: SandboxDeploymentSettings): MountedVolume[] {
  const emptyDir = (name: string, mountPath: string, sizeLimit: string): MountedVolume => ({
    volume: { name, emptyDir: { sizeLimit } },
    mountPath,
    readOnly: false,
  });
  const places = [
    emptyDir("home", "/home/sandbox", writable.home),
    emptyDir("tmp", "/tmp", writable.tmp),
    emptyDir("user-data", "/mnt/user-data", writable.userData),
  ];
  if (skillsClaimName === undefined) return places;
  const persistentVolumeClaim = { claimName: skillsClaimName, readOnly: true };
  return [
    ...places,
    { volume: { name: "skills", persistentVolumeClaim }, mountPath: "/mnt/skills", readOnly: true },
  ];
}

/** Over nodes and zones where there are several; a pod that finds no better place runs anyway. */
function spreading(name: string): Partial<k8s.types.input.core.v1.PodSpec> {
  const labelSelector = { matchLabels: instanceSelector(name) };
  const constraint = (topologyKey: string) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector,
  });
  const podAffinityTerm = { topologyKey: "kubernetes.io/hostname", labelSelector };
  return {
    topologySpreadConstraints: [
      constraint("topology.kubernetes.io/zone"),
      constraint("kubernetes.io/hostname"),
    ],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm }],
      },
    },
  };
}
