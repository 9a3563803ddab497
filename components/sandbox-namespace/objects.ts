// The namespace's objects, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { commonLabels } from "../shared/labels";
import {
  PreemptionPolicy,
  type NamespacePriority,
  type ResourceAmounts,
  type SandboxNamespaceSettings,
} from "./args";

/** Labels by which the API server enforces, audits and warns by the Pod Security Standard `restricted`. */
export function podSecurityLabels(version: string): Record<string, string> {
  const modes = ["enforce", "audit", "warn"].flatMap((mode) => [
    [`pod-security.kubernetes.io/${mode}`, "restricted"],
    [`pod-security.kubernetes.io/${mode}-version`, version],
  ]);
  return Object.fromEntries(modes) as Record<string, string>;
}

/** The namespace. */
export function namespaceArgs(settings: SandboxNamespaceSettings): k8s.core.v1.NamespaceArgs {
  const labels = {
    ...settings.labels,
    ...commonLabels("sandbox"),
    ...podSecurityLabels(settings.podSecurityVersion),
  };
  return { metadata: { name: settings.name, labels } };
}

/** The upper bounds over everything in the namespace. LoadBalancers are none of a sandbox's business. */
export function quotaHard({ quota }: SandboxNamespaceSettings): Record<string, string> {
  return {
    pods: String(quota.pods),
    "requests.cpu": quota.requestsCpu,
    "requests.memory": quota.requestsMemory,
    "requests.ephemeral-storage": quota.requestsEphemeralStorage,
    "limits.cpu": quota.limitsCpu,
    "limits.memory": quota.limitsMemory,
    "limits.ephemeral-storage": quota.limitsEphemeralStorage,
    persistentvolumeclaims: String(quota.persistentVolumeClaims),
    services: String(quota.services),
    "services.nodeports": String(quota.nodePorts),
    "services.loadbalancers": "0",
  };
}

/** The PriorityClass, for a priority with a value. */
export function priorityClassArgs(
  { className, preemptionPolicy }: NamespacePriority,
  value: number,
): k8s.scheduling.v1.PriorityClassArgs {
  return {
    metadata: { name: className, labels: commonLabels("sandbox") },
    value,
    preemptionPolicy: preemptionPolicy ?? PreemptionPolicy.Never,
    globalDefault: false,
    description: "Sandboxes",
  };
}

/**
 * No room for pods of any other priority, nor for pods that state none: what runs in the namespace cannot choose to push others
 * aside. The quota over everything stays as it is, because Kubernetes counts only pods by priority, not claims and Services.
 */
export function otherPrioritiesQuota(className: string): k8s.types.input.core.v1.ResourceQuotaSpec {
  const notIn = { scopeName: "PriorityClass", operator: "NotIn", values: [className] };
  return { hard: { pods: "0" }, scopeSelector: { matchExpressions: [notIn] } };
}

/** What one container gets by default and at most. */
export function limitRangeItem({ limits }: SandboxNamespaceSettings): k8s.types.input.core.v1.LimitRangeItem {
  return {
    type: "Container",
    default: amounts(limits.defaultLimits),
    defaultRequest: amounts(limits.defaultRequests),
    max: amounts(limits.maximum),
  };
}

function amounts({ cpu, memory, ephemeralStorage }: Required<ResourceAmounts>): Record<string, string> {
  return { cpu, memory, "ephemeral-storage": ephemeralStorage };
}
