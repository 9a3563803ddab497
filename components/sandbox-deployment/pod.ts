// The sandbox pod, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { httpPort } from "../sandbox-network-policies/policies";
import { hardenedContainer, hardenedPod, sandboxUser } from "../shared/hardening";
import { commonLabels, EGRESS_LABEL, sandboxSelector } from "../shared/labels";
import type { ComputeAmounts, ProbeTiming } from "./args";
import { variableObject } from "./environment";
import { placementSpec } from "./placement";
import type { SandboxDeploymentSettings } from "./resolve";
import { lifecycleOf, shutdownVariables } from "./rollout";
import { mountedVolume, type MountedVolume } from "./volumes";

type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;
type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;

/** The port that the server in a sandbox listens on. */
export const containerPort = 8080;

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
  const { runtimeClassName, priorityClassName, imagePullSecrets } = settings;
  return {
    metadata: { labels: { ...instanceLabels(settings.name), [EGRESS_LABEL]: settings.egress } },
    spec: {
      serviceAccountName: settings.serviceAccountName,
      automountServiceAccountToken: false,
      // Addresses of all Services in environment variables would be a map of the namespace.
      enableServiceLinks: false,
      ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      ...(imagePullSecrets.length === 0
        ? {}
        : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
      terminationGracePeriodSeconds: settings.terminationGracePeriodSeconds,
      securityContext: {
        ...hardenedPod,
        fsGroup: sandboxUser,
        fsGroupChangePolicy: "OnRootMismatch",
      },
      ...placementSpec(settings.placement, instanceSelector(settings.name)),
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
    env: [
      { name: "HOME", value: "/home/sandbox" },
      ...shutdownVariables(settings.shutdown),
      ...settings.env.map(variableObject),
    ],
    resources: { requests: amounts(resources.requests), limits: amounts(resources.limits) },
    securityContext: hardenedContainer,
    ...(probes.startup === undefined ? {} : { startupProbe: probe(probes.path, probes.startup) }),
    readinessProbe: probe(probes.path, probes.readiness),
    livenessProbe: probe(probes.path, probes.liveness),
    volumeMounts: volumes(settings).map(({ mount }) => mount),
    ...lifecycleOf(settings.shutdown),
  };
}

function amounts({ cpu, memory, ephemeralStorage }: Required<ComputeAmounts>): Record<string, string> {
  return { cpu, memory, "ephemeral-storage": ephemeralStorage };
}

function probe(path: string, timing: Required<ProbeTiming>): Probe {
  return { httpGet: { path, port: httpPort }, ...timing };
}

function volumes(settings: SandboxDeploymentSettings): MountedVolume[] {
  const { writable, skillsClaimName, volumes: more } = settings;
  const skills =
    skillsClaimName === undefined
      ? []
      : [claim("skills", "/mnt/skills", skillsClaimName, { readOnly: true })];
  return [
    emptyFolder("home", "/home/sandbox", writable.home),
    emptyFolder("tmp", "/tmp", writable.tmp),
    userData(settings),
    ...skills,
    ...more.map(mountedVolume),
  ];
}

/** What a sandbox keeps for its user: a folder of a claim, or one that goes with the pod. */
function userData({
  writable,
  userDataClaimName,
  userDataSubPath,
}: SandboxDeploymentSettings): MountedVolume {
  if (userDataClaimName === undefined) return emptyFolder("user-data", "/mnt/user-data", writable.userData);
  return claim("user-data", "/mnt/user-data", userDataClaimName, {
    readOnly: false,
    subPath: userDataSubPath,
  });
}

function emptyFolder(name: string, mountPath: string, sizeLimit: string): MountedVolume {
  return { volume: { name, emptyDir: { sizeLimit } }, mount: { name, mountPath, readOnly: false } };
}

function claim(
  name: string,
  mountPath: string,
  claimName: pulumi.Input<string>,
  { readOnly, subPath }: { readOnly: boolean; subPath?: pulumi.Input<string> | undefined },
): MountedVolume {
  return {
    volume: { name, persistentVolumeClaim: { claimName, readOnly } },
    mount: { name, mountPath, ...(subPath === undefined ? {} : { subPath }), readOnly },
  };
}
