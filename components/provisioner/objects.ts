// The provisioner's objects beside its pods and network policies, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { ExternalTrafficPolicy, SandboxServiceType } from "../sandbox-deployment/args";
import { podSecurityLabels } from "../sandbox-namespace/objects";
import { commonLabels } from "../shared/labels";
import { SandboxUrls } from "./args";
import type { ProvisionerSettings } from "./resolve";

/** The name of all objects of which there is one. */
export const provisionerName = "provisioner";

/** The port of the API, the router and health. */
export const apiPort = 8002;

/** The name of that port. */
export const apiPortName = "api";

/** The port of metrics: not the API's, whose callers are not to know of each other. */
export const metricsPort = 8003;

/** The name of that port. */
export const metricsPortName = "metrics";

/** The labels of all objects. */
export const provisionerLabels = commonLabels("provisioner");

/** What the pods are selected by. */
export const provisionerSelector: Readonly<Record<string, string>> = {
  "app.kubernetes.io/name": "sandlot",
  "app.kubernetes.io/component": "provisioner",
};

/** Selects the provisioner's pods from another namespace. */
export function provisionerPeer(systemNamespace: string): k8s.types.input.networking.v1.NetworkPolicyPeer {
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": systemNamespace } },
    podSelector: { matchLabels: { ...provisionerSelector } },
  };
}

/** The provisioner's own namespace. */
export function namespaceArgs({
  systemNamespace,
  podSecurityVersion,
}: ProvisionerSettings): k8s.core.v1.NamespaceArgs {
  return {
    metadata: {
      name: systemNamespace,
      labels: { ...provisionerLabels, ...podSecurityLabels(podSecurityVersion) },
    },
  };
}

/**
 * What the provisioner may do, in the sandboxes' namespace and nowhere else: the requests of provisioner/src/kubernetes/namespace.ts.
 * Not among them: exec, Secrets, and whatever is a wall.
 */
export function policyRules({
  sandboxUrls,
  egressProxyUrl,
}: ProvisionerSettings): k8s.types.input.rbac.v1.PolicyRule[] {
  const core = (resources: string[], verbs: string[]) => ({ apiGroups: [""], resources, verbs });
  const leases = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
  return [
    core(["pods"], ["get", "list", "watch", "create", "patch", "delete"]),
    core(["pods/log"], ["get"]),
    core(["configmaps"], ["list", "watch"]),
    ...(sandboxUrls === SandboxUrls.Router ? [] : [core(["services"], ["list", "watch", "create"])]),
    // What the egress proxy refused is told by Events.
    ...(egressProxyUrl === undefined ? [] : [core(["events"], ["list", "watch"])]),
    // What is yet to be made has no name that a rule could hold it to.
    { ...leases, verbs: ["create"] },
    { ...leases, resourceNames: [leaseName], verbs: ["get", "update"] },
  ];
}

/** The Lease by which one replica leads (provisioner/src/kubernetes/leader.ts). */
export const leaseName = "sandlot-provisioner";

/** The Service. */
export function serviceArgs(settings: ProvisionerSettings): k8s.core.v1.ServiceArgs {
  const { service } = settings;
  return {
    metadata: {
      name: provisionerName,
      namespace: settings.systemNamespace,
      labels: provisionerLabels,
      annotations: {
        // The Deployment is waited for; the Service has nothing more to wait for.
        "pulumi.com/skipAwait": "true",
      },
    },
    spec: {
      type: service.type,
      selector: { ...provisionerSelector },
      ports: [
        {
          name: apiPortName,
          port: apiPort,
          targetPort: apiPortName,
          protocol: "TCP",
          ...(service.nodePort === undefined ? {} : { nodePort: service.nodePort }),
        },
      ],
      // By default the caller's address stays what it is, so that network policies see callers and not the node.
      ...(service.type === SandboxServiceType.NodePort
        ? { externalTrafficPolicy: service.externalTrafficPolicy ?? ExternalTrafficPolicy.Local }
        : {}),
    },
  };
}

/** The budget that drains and evictions keep to: one pod at a time. */
export function disruptionBudgetArgs({
  systemNamespace,
}: ProvisionerSettings): k8s.policy.v1.PodDisruptionBudgetArgs {
  return {
    metadata: { name: provisionerName, namespace: systemNamespace, labels: provisionerLabels },
    spec: {
      selector: { matchLabels: { ...provisionerSelector } },
      maxUnavailable: 1,
      // A pod that never became Ready is not worth keeping a node for.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
