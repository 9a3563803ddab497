// agent-sandbox's controller as a pod, and the objects by which it is asked for a pool and for claims of it. Pure.
import type { KubernetesObject, V1ClusterRoleBinding, V1ObjectMeta, V1Pod } from "@kubernetes/client-node";

import { isTrue, type Conditioned } from "../object-watch.js";

const core = "agents.x-k8s.io/v1beta1";
const extensions = "extensions.agents.x-k8s.io/v1beta1";
const poolLabel = "agents.x-k8s.io/warm-pool-sandbox";

/** What is read of the definition of a resource. */
export interface Definition extends KubernetesObject {
  readonly metadata: V1ObjectMeta;
}

/** What is read of a Sandbox and of a SandboxClaim. */
export interface SandboxObject extends KubernetesObject, Conditioned {
  readonly status?: Conditioned["status"] & {
    /** Of a claim: the Sandbox that it got, which has the name of its pod. */
    readonly sandbox?: { readonly name?: string };
  };
}

/** What the controller's program, pod and account are called, and its port of metrics. */
export const controller = { name: "agent-sandbox-controller", metricsPort: 8080 } as const;

/** Where its program is put on the node. */
export const programFolder = "/opt/sandlot-bench";

/** The controller as its own manifests run it: with warm pools, electing a leader, without limits. */
export function controllerPod(namespace: string, image: string): V1Pod {
  const { name, metricsPort } = controller;
  return {
    metadata: { name, namespace },
    spec: {
      serviceAccountName: name,
      containers: [
        {
          ...{ name, image, imagePullPolicy: "Never" },
          command: [`${programFolder}/${name}`, "--leader-elect=true", "--extensions"],
          ports: [{ name: "metrics", containerPort: metricsPort }],
          volumeMounts: [{ name: "program", mountPath: programFolder, readOnly: true }],
        },
      ],
      volumes: [{ name: "program", hostPath: { path: programFolder, type: "Directory" } }],
    },
  };
}

/** Gives a role to the controller. */
export function binding(role: string, namespace: string): V1ClusterRoleBinding {
  return {
    metadata: { name: role },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [{ kind: "ServiceAccount", name: controller.name, namespace }],
  };
}

/** Where the objects are. */
export const paths = {
  definitions: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
  sandboxes: (namespace: string) => `/apis/${core}/namespaces/${namespace}/sandboxes`,
  claims: (namespace: string) => `/apis/${extensions}/namespaces/${namespace}/sandboxclaims`,
  pools: (namespace: string) => `/apis/${extensions}/namespaces/${namespace}/sandboxwarmpools`,
  templates: (namespace: string) => `/apis/${extensions}/namespaces/${namespace}/sandboxtemplates`,
} as const;

/**
 * A template whose sandboxes are pods like this one, which has been scheduled. It makes no network policy: those of the namespace
 * hold for its pods as for ours.
 */
export function sandboxTemplate(
  name: string,
  { spec }: V1Pod,
  labels: Readonly<Record<string, string>>,
): object {
  const unscheduled = Object.assign({}, spec);
  delete unscheduled.nodeName;
  return {
    apiVersion: extensions,
    kind: "SandboxTemplate",
    metadata: { name },
    spec: { podTemplate: { metadata: { labels }, spec: unscheduled }, networkPolicyManagement: "Unmanaged" },
  };
}

/** A pool of sandboxes of the template. */
export function warmPool(name: string, template: string, replicas: number): object {
  return {
    apiVersion: extensions,
    kind: "SandboxWarmPool",
    metadata: { name },
    spec: { replicas, sandboxTemplateRef: { name: template } },
  };
}

/** A claim of one of the pool's. */
export function sandboxClaim(name: string, pool: string): object {
  return {
    apiVersion: extensions,
    kind: "SandboxClaim",
    metadata: { name },
    spec: { warmPoolRef: { name: pool } },
  };
}

/** Whether the controller says that it is Ready. */
export function isReady(object: SandboxObject | undefined): boolean {
  return isTrue(object, "Ready");
}

/** Whether a Sandbox is a pool's, Ready to be claimed. */
export function isIdle(sandbox: SandboxObject): boolean {
  return (
    sandbox.metadata?.labels?.[poolLabel] !== undefined &&
    sandbox.metadata.deletionTimestamp === undefined &&
    isReady(sandbox)
  );
}
