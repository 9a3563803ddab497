// What puts gVisor onto nodes: a DaemonSet with all rights on them, walled off from everything else. Built from plain settings.
import type * as k8s from "@pulumi/kubernetes";
import { createHash } from "node:crypto";

import { commonLabels } from "../shared/labels";
import { tolerationObject } from "../shared/tolerations";
import { readyLabel } from "./objects";
import type { GvisorRuntimeSettings } from "./resolve";
import type { InstallSettings } from "./resolve-install";
import { agentScript, installScript } from "./scripts";

/** The settings of a runtime that is installed. */
export type InstallerSettings = GvisorRuntimeSettings & { install: InstallSettings };

/** The name of the installer's account and namespaced objects. */
export const installerName = "gvisor-installer";

const component = "gvisor-installer";
const readyFile = "/tmp/ready";

/** The name of the installer's cluster-wide objects, one set per namespace. */
export function clusterWideName({ install }: InstallerSettings): string {
  return `${install.namespace}-${installerName}`;
}

const named = ({ install }: InstallerSettings) => ({
  name: installerName,
  namespace: install.namespace,
  labels: commonLabels(component),
});

/** The installer's own namespace: the only one whose pods may have rights on nodes. */
export function namespaceArgs({ install }: InstallerSettings): k8s.core.v1.NamespaceArgs {
  const labels = { ...commonLabels(component), "pod-security.kubernetes.io/enforce": "privileged" };
  return { metadata: { name: install.namespace, labels } };
}

/** Nobody calls the installer. It calls the API server and whatever address its downloads are at. */
export function networkPolicyArgs(settings: InstallerSettings): k8s.networking.v1.NetworkPolicyArgs {
  return { metadata: named(settings), spec: { podSelector: {}, policyTypes: ["Ingress"] } };
}

/** The account. Its token is mounted by the DaemonSet's pods alone. */
export function accountArgs(settings: InstallerSettings): k8s.core.v1.ServiceAccountArgs {
  return { metadata: named(settings), automountServiceAccountToken: false };
}

/** It sees whether its DaemonSet is being deleted. */
export function roleArgs(settings: InstallerSettings): k8s.rbac.v1.RoleArgs {
  return {
    metadata: named(settings),
    rules: [
      { apiGroups: ["apps"], resources: ["daemonsets"], resourceNames: [installerName], verbs: ["get"] },
    ],
  };
}

/** It labels nodes; which and how, {@link admissionPolicyArgs} bounds. */
export function clusterRoleArgs(settings: InstallerSettings): k8s.rbac.v1.ClusterRoleArgs {
  return {
    metadata: { name: clusterWideName(settings), labels: commonLabels(component) },
    rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["patch"] }],
  };
}

const subject = ({ install }: InstallerSettings) => ({
  kind: "ServiceAccount",
  name: installerName,
  namespace: install.namespace,
});

/** Gives the account its role. */
export function roleBindingArgs(settings: InstallerSettings): k8s.rbac.v1.RoleBindingArgs {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: installerName };
  return { metadata: named(settings), roleRef, subjects: [subject(settings)] };
}

/** Gives the account its cluster-wide role. */
export function clusterRoleBindingArgs(settings: InstallerSettings): k8s.rbac.v1.ClusterRoleBindingArgs {
  const name = clusterWideName(settings);
  return {
    metadata: { name, labels: commonLabels(component) },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    subjects: [subject(settings)],
  };
}

/**
 * Rights to patch nodes cannot be bound to one node and one label by roles: the API server holds the account to them by this
 * policy. The node's name in the token is from the kubelet's request for it, not from the pod
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#verify-and-inspect-private-claims).
 */
export function admissionPolicyArgs(
  settings: InstallerSettings,
): k8s.admissionregistration.v1.ValidatingAdmissionPolicyArgs {
  const account = `system:serviceaccount:${settings.install.namespace}:${installerName}`;
  const nodeName = "authentication.kubernetes.io/node-name";
  const kept = (some: string, other: string): string =>
    `${some}.metadata.labels.all(key, key == '${readyLabel}' || ` +
    `(key in ${other}.metadata.labels && ${some}.metadata.labels[key] == ${other}.metadata.labels[key]))`;
  return {
    metadata: { name: clusterWideName(settings), labels: commonLabels(component) },
    spec: {
      failurePolicy: "Fail",
      matchConstraints: {
        resourceRules: [
          { apiGroups: [""], apiVersions: ["v1"], resources: ["nodes", "nodes/*"], operations: ["*"] },
        ],
      },
      matchConditions: [{ name: "installer", expression: `request.userInfo.username == '${account}'` }],
      validations: [
        {
          expression:
            `request.operation == 'UPDATE' && '${nodeName}' in request.userInfo.extra && ` +
            `request.userInfo.extra['${nodeName}'] == [object.metadata.name]`,
          message: "The installer may change only the node that it runs on.",
        },
        {
          expression:
            `object.spec == oldObject.spec && ${kept("object", "oldObject")} && ${kept("oldObject", "object")} && ` +
            "object.metadata.?annotations == oldObject.metadata.?annotations",
          message: `The installer may change nothing of a node but the label ${readyLabel}.`,
        },
      ],
    },
  };
}

/** Puts the policy in force. */
export function admissionBindingArgs(
  settings: InstallerSettings,
): k8s.admissionregistration.v1.ValidatingAdmissionPolicyBindingArgs {
  const name = clusterWideName(settings);
  return {
    metadata: { name, labels: commonLabels(component) },
    spec: { policyName: name, validationActions: ["Deny"] },
  };
}

/** The scripts. */
export function scriptsArgs(settings: InstallerSettings): k8s.core.v1.ConfigMapArgs {
  return { metadata: named(settings), data: { "install.sh": installScript, "agent.sh": agentScript } };
}

/** The DaemonSet: node by node, each of which must have gVisor before the next gets it. */
export function daemonSetArgs(settings: InstallerSettings): k8s.apps.v1.DaemonSetArgs {
  const { install, nodeSelector, tolerations } = settings;
  const scripts = createHash("sha256")
    .update(installScript + agentScript)
    .digest("hex");
  return {
    metadata: named(settings),
    spec: {
      selector: { matchLabels: commonLabels(component) },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: {
          labels: commonLabels(component),
          // Other scripts are another pod.
          annotations: { "sandlot.dev/scripts": scripts.slice(0, 16) },
        },
        spec: {
          serviceAccountName: installerName,
          automountServiceAccountToken: true,
          enableServiceLinks: false,
          nodeSelector,
          ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(tolerationObject) }),
          ...(install.imagePullSecrets.length === 0
            ? {}
            : { imagePullSecrets: install.imagePullSecrets.map((name) => ({ name })) }),
          // containerd is restarted among the node's own processes.
          hostPID: true,
          // Long enough to take gVisor away when the DaemonSet is deleted.
          terminationGracePeriodSeconds: 180,
          containers: [container(settings)],
          volumes: [
            { name: "node", hostPath: { path: "/", type: "Directory" } },
            { name: "scripts", configMap: { name: installerName } },
            { name: "tmp", emptyDir: { sizeLimit: "16Mi" } },
          ],
        },
      },
    },
  };
}

function container(settings: InstallerSettings): k8s.types.input.core.v1.Container {
  return {
    name: "gvisor-installer",
    image: settings.install.image,
    imagePullPolicy: "IfNotPresent",
    command: ["/bin/sh", "/scripts/agent.sh"],
    env: [
      { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      ...Object.entries(environment(settings)).map(([name, value]) => ({ name, value })),
    ],
    readinessProbe: { exec: { command: ["test", "-f", readyFile] }, periodSeconds: 2 },
    resources: {
      requests: { cpu: "10m", memory: "32Mi", "ephemeral-storage": "16Mi" },
      limits: { cpu: "1", memory: "256Mi", "ephemeral-storage": "64Mi" },
    },
    securityContext: { privileged: true, runAsUser: 0, readOnlyRootFilesystem: true },
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [
      { name: "node", mountPath: "/host", mountPropagation: "HostToContainer" },
      { name: "scripts", mountPath: "/scripts", readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}

/** What the scripts are told; their heads say what each is. */
export function environment(settings: InstallerSettings): Record<string, string> {
  const { install, handler } = settings;
  const { folder, platform, containerd, checksums } = install;
  return {
    HOST: "/host",
    ON_NODE: "nsenter -t 1 -m --",
    FOLDER: folder,
    HANDLER: handler,
    PLATFORM: platform,
    DOWNLOADS: `${install.baseUrl}/${install.release}`,
    CHECKSUMS: checksums
      .flatMap(({ architecture, runsc, shim }) => [
        `${architecture} runsc ${runsc}`,
        `${architecture} containerd-shim-runsc-v1 ${shim}`,
      ])
      .join("\n"),
    LAYOUT: containerd.layout,
    CONFIG: containerd.configFile,
    RESTART: containerd.restartCommand,
    READY_LABEL: readyLabel,
    DAEMONSET: `${install.namespace}/${installerName}`,
    API: "https://kubernetes.default.svc",
    ACCOUNT: "/var/run/secrets/kubernetes.io/serviceaccount",
    READY_FILE: readyFile,
  };
}
