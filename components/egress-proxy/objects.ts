// The egress proxy's objects beside its network policies, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

import type { ComputeAmounts } from "../sandbox-deployment/args";
import { serviceSpread } from "../sandbox-deployment/placement";
import { hardenedContainer, hardenedPod } from "../shared/hardening";
import { without } from "../shared/cidr";
import { commonLabels } from "../shared/labels";
import { shutRanges } from "../sandbox-network-policies/profiles";
import type { EgressProxySettings } from "./resolve";

/** The name of all objects of which there is one. */
export const proxyName = "egress-proxy";

/** The name of the provisioner's right to find it. */
export const addressName = `${proxyName}-address`;

/** The port that sandboxes use. */
export const proxyPort = 3128;

/** The port of health and metrics, which no sandbox reaches. */
export const healthPort = 8081;

/** Seconds for which a pod that is to end goes on serving: connections end, and nodes learn of it. */
const drainSeconds = 10;

/** The labels of all objects. */
export const proxyLabels = commonLabels(proxyName);

/** What the pods are selected by. */
export const proxySelector: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": proxyName,
};

/** Where the proxy is. Sandboxes are told an address in its place (provisioner/src/core/proxy-address.ts). */
export function proxyUrl(systemNamespace: string): string {
  return `http://${proxyName}.${systemNamespace}.svc.cluster.local:${proxyPort}`;
}

/**
 * What the proxy may do, in the sandboxes' namespace: see which sandbox has which address and rules, and tell what it refused
 * (provisioner/src/egress/service.ts).
 */
export const policyRules: k8s.types.input.rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create"] },
];

/** What the provisioner may do in the proxy's namespace: find the address that it tells sandboxes, which have no DNS. */
export const addressRules: k8s.types.input.rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["services"], resourceNames: [proxyName], verbs: ["get"] },
];

/** The Service. */
export function serviceArgs({ systemNamespace: namespace }: EgressProxySettings): k8s.core.v1.ServiceArgs {
  return {
    metadata: {
      name: proxyName,
      namespace,
      labels: proxyLabels,
      // The Deployment is waited for; the Service has nothing more to wait for.
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec: {
      type: "ClusterIP",
      selector: { ...proxySelector },
      ports: [{ name: "proxy", port: proxyPort, targetPort: "proxy", protocol: "TCP" }],
    },
  };
}

/** The budget that drains and evictions keep to: one pod at a time. */
export function disruptionBudgetArgs({
  systemNamespace: namespace,
}: EgressProxySettings): k8s.policy.v1.PodDisruptionBudgetArgs {
  return {
    metadata: { name: proxyName, namespace, labels: proxyLabels },
    spec: {
      selector: { matchLabels: { ...proxySelector } },
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}

/** The Deployment: a new pod is Ready before an old one goes. */
export function deploymentArgs(
  settings: EgressProxySettings,
  serviceAccountName: pulumi.Input<string>,
): k8s.apps.v1.DeploymentArgs {
  const { systemNamespace: namespace, replicas, imagePullSecrets } = settings;
  return {
    metadata: { name: proxyName, namespace, labels: proxyLabels },
    spec: {
      replicas,
      revisionHistoryLimit: 3,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { ...proxySelector } },
      template: {
        metadata: { labels: { ...proxyLabels } },
        spec: {
          serviceAccountName,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          ...(imagePullSecrets.length === 0
            ? {}
            : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
          terminationGracePeriodSeconds: 3 * drainSeconds,
          securityContext: hardenedPod,
          ...serviceSpread(proxySelector),
          containers: [container(settings)],
        },
      },
    },
  };
}

function container(settings: EgressProxySettings): k8s.types.input.core.v1.Container {
  const { requests, limits } = settings.resources;
  const probe = (path: string) => ({ httpGet: { path, port: "health" }, timeoutSeconds: 3 });
  // A rule may open a private range that is not shut here; what else is in there stays shut.
  const shut = shutRanges.flatMap(({ cidr }) => without(cidr, settings.privateCidrs));
  const denied = pulumi
    .all(settings.clusterCidrs)
    .apply((own) => [...new Set([...shut, ...own, ...settings.deniedCidrs])].join(","));
  return {
    name: proxyName,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    args: ["/app/egress.mjs"],
    ports: [
      { name: "proxy", containerPort: proxyPort, protocol: "TCP" },
      { name: "health", containerPort: healthPort, protocol: "TCP" },
    ],
    env: [
      { name: "PORT", value: String(proxyPort) },
      { name: "HEALTH_PORT", value: String(healthPort) },
      { name: "LOG_LEVEL", value: settings.logLevel },
      { name: "K8S_NAMESPACE", value: settings.namespace },
      { name: "DENIED_CIDRS", value: denied },
      { name: "DRAIN_SECONDS", value: String(drainSeconds) },
      { name: "POD_NAME", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
    ],
    resources: { requests: amounts(requests), limits: amounts(limits) },
    securityContext: hardenedContainer,
    startupProbe: { ...probe("/readyz"), periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { ...probe("/readyz"), periodSeconds: 5, failureThreshold: 2 },
    livenessProbe: { ...probe("/livez"), periodSeconds: 10, failureThreshold: 3 },
  };
}

function amounts({ cpu, memory, ephemeralStorage }: Required<ComputeAmounts>): Record<string, string> {
  return { cpu, memory, "ephemeral-storage": ephemeralStorage };
}
