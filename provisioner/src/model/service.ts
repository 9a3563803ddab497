// The Service of a sandbox, where its URL needs one.
import type { V1Service } from "@kubernetes/client-node";

import { commonLabels, POD } from "./labels.js";
import { serviceName } from "./names.js";

/** How a sandbox is reached. */
export const serviceTypes = ["NodePort", "ClusterIP", "Router"] as const;
export type ServiceType = (typeof serviceTypes)[number];

/** A pod that a Service is for. */
export interface ServedPod {
  readonly podName: string;
  readonly podUid: string;
  readonly port: number;
}

/** Whether it is the Service of this pod, and not of another one that had its name. */
export function isServiceOf({ metadata }: V1Service, podUid: string): boolean {
  return metadata?.ownerReferences?.some(({ uid }) => uid === podUid) === true;
}

/** The Service of a pod. The pod owns it: whoever deletes the pod, however it goes, the cluster deletes the Service. */
export function buildService(pod: ServedPod, namespace: string, type: "NodePort" | "ClusterIP"): V1Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: serviceName(pod.podName),
      namespace,
      labels: { ...commonLabels, [POD]: pod.podName },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: pod.podName, uid: pod.podUid }],
    },
    spec: {
      type,
      selector: { [POD]: pod.podName },
      // There is one pod behind it: it is reached as soon as it listens, without waiting for a probe to have seen that.
      publishNotReadyAddresses: true,
      ports: [{ name: "http", port: pod.port, targetPort: "http", protocol: "TCP" }],
      // The caller's address stays what it is, so that NetworkPolicies see callers and not the node.
      ...(type === "NodePort" ? { externalTrafficPolicy: "Local" } : {}),
    },
  };
}
