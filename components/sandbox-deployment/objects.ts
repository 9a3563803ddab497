// Deployment, Service and PodDisruptionBudget, built from plain settings.
import type * as k8s from "@pulumi/kubernetes";

import { httpPort } from "../sandbox-network-policies/policies";
import { ExternalTrafficPolicy, SandboxServiceType, type SandboxDisruption } from "./args";
import { instanceLabels, instanceSelector, podTemplate } from "./pod";
import type { SandboxDeploymentSettings } from "./resolve";
import { countOrPercentageValue, rolloutSpec } from "./rollout";

/** The Service's port. */
export const servicePort = 8080;

/** The Deployment: unless told otherwise, a new pod is Ready before an old one goes. */
export function deploymentArgs(settings: SandboxDeploymentSettings): k8s.apps.v1.DeploymentArgs {
  const { name, namespace } = settings;
  return {
    metadata: { name, namespace, labels: instanceLabels(name) },
    spec: {
      replicas: settings.replicas,
      revisionHistoryLimit: settings.revisionHistoryLimit,
      ...rolloutSpec(settings.rollout),
      selector: { matchLabels: instanceSelector(name) },
      template: podTemplate(settings),
    },
  };
}

/** The Service. One client's calls go to one pod, because sessions live there. */
export function serviceArgs(settings: SandboxDeploymentSettings): k8s.core.v1.ServiceArgs {
  const { name, namespace, service } = settings;
  const onNodes = service.type === SandboxServiceType.NodePort;
  const affinity = {
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: service.clientAffinitySeconds } },
  };
  return {
    metadata: {
      name,
      namespace,
      labels: instanceLabels(name),
      // The Deployment is waited for; the Service has nothing more to wait for, and with no replicas it would wait in vain.
      annotations: { "pulumi.com/skipAwait": "true" },
    },
    spec: {
      type: service.type,
      selector: instanceSelector(name),
      ports: [
        {
          name: httpPort,
          port: servicePort,
          targetPort: httpPort,
          protocol: "TCP",
          ...(service.nodePort === undefined ? {} : { nodePort: service.nodePort }),
        },
      ],
      ...(service.clientAffinitySeconds === 0 ? { sessionAffinity: "None" } : affinity),
      // By default the caller's address stays what it is, so that network policies and affinity see callers and not the node.
      ...(onNodes
        ? { externalTrafficPolicy: service.externalTrafficPolicy ?? ExternalTrafficPolicy.Local }
        : {}),
    },
  };
}

/** The budget that drains and evictions keep to. */
export function disruptionBudgetArgs(
  settings: SandboxDeploymentSettings,
  disruption: SandboxDisruption,
): k8s.policy.v1.PodDisruptionBudgetArgs {
  const { name, namespace } = settings;
  const { minAvailable, maxUnavailable } = disruption;
  return {
    metadata: { name, namespace, labels: instanceLabels(name) },
    spec: {
      selector: { matchLabels: instanceSelector(name) },
      ...(minAvailable === undefined ? {} : { minAvailable: countOrPercentageValue(minAvailable) }),
      ...(maxUnavailable === undefined ? {} : { maxUnavailable: countOrPercentageValue(maxUnavailable) }),
      // A pod that never became Ready is not worth keeping a node for.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
