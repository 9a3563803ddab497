// A stack that every rule of the policy pack lets through, even in production, and ways to spoil it.
import type { Resource } from "./policy";

/** Fields of an object, as a test writes them. */
export type Fields = Record<string, unknown>;

/** One good stack's objects, by the part they play. Each is in the namespace that the stack is named after. */
export type Stack = Record<string, Resource>;

const sandboxLabels = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "sandbox" };
const amounts = { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" };
const probe = { httpGet: { path: "/v1/sandbox", port: 8080 } };

/** The container's security context, which has nothing to spare. */
export const secure: Fields = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

const goodContainer: Fields = {
  name: "sandbox",
  image: `sandlot/sandbox:1.0.0@sha256:${"0".repeat(64)}`,
  env: [{ name: "HOME", value: "/home/sandbox" }],
  ports: [{ containerPort: 8080 }],
  resources: { requests: amounts, limits: amounts },
  securityContext: secure,
  startupProbe: probe,
  readinessProbe: probe,
  livenessProbe: probe,
};

const goodSpec: Fields = {
  runtimeClassName: "gvisor",
  serviceAccountName: "sandbox",
  automountServiceAccountToken: false,
  terminationGracePeriodSeconds: 60,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
  volumes: [{ name: "tmp", emptyDir: { sizeLimit: "1Gi" } }],
  topologySpreadConstraints: ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: sandboxLabels },
  })),
};

/** What to change of the good sandboxes. */
export interface Changes {
  /** Fields of the pod. */
  spec?: Fields;
  /** Fields of the pod's security context. */
  context?: Fields;
  /** Fields of the container. */
  container?: Fields;
  /** Fields of the container's security context. */
  own?: Fields;
  /** All labels of the pod. */
  labels?: unknown;
  annotations?: Fields;
  /** Fields of the Deployment's own spec. */
  deployment?: Fields;
}

/** The template of the good pod, with changes. */
export function podTemplate({ spec, context, container, own, labels, annotations }: Changes): Fields {
  return {
    metadata: { labels: labels ?? sandboxLabels, annotations },
    spec: {
      ...goodSpec,
      securityContext: { ...(goodSpec["securityContext"] as Fields), ...context },
      containers: [{ ...goodContainer, securityContext: { ...secure, ...own }, ...container }],
      ...spec,
    },
  };
}

/** An object with a type, named after the stack and its part in it. */
export function object(
  home: string,
  part: string,
  type: string,
  fields: Fields,
  { namespace = home, protect = false }: { namespace?: string | undefined; protect?: boolean } = {},
): Resource {
  const metadata = { name: part, namespace, ...(fields["metadata"] as Fields | undefined) };
  return { type: `kubernetes:${type}`, name: `${home}-${part}`, props: { ...fields, metadata }, protect };
}

/** An object of no namespace, whose name is the stack's. */
export function clusterObject(
  home: string,
  part: string,
  type: string,
  fields: Fields,
  protect = false,
): Resource {
  const metadata = { name: home, ...(fields["metadata"] as Fields | undefined) };
  return { type: `kubernetes:${type}`, name: `${home}-${part}`, props: { ...fields, metadata }, protect };
}

/** The sandboxes' Deployment, with changes. */
export function deployment(home: string, changes: Changes = {}, namespace = home): Resource {
  const spec = {
    replicas: 3,
    selector: { matchLabels: sandboxLabels },
    template: podTemplate(changes),
    ...changes.deployment,
  };
  return object(home, "deployment", "apps/v1:Deployment", { spec }, { namespace });
}

/** Labels of a namespace that holds sandboxes. */
export const namespaceLabels: Fields = {
  ...sandboxLabels,
  ...Object.fromEntries(
    ["enforce", "audit", "warn"].flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, "restricted"],
      [`pod-security.kubernetes.io/${mode}-version`, "v1.34"],
    ]),
  ),
};

/** The namespace, with other labels. */
export function namespace(home: string, labels: Fields = {}, protect = true): Resource {
  const metadata = { labels: { ...namespaceLabels, ...labels } };
  return clusterObject(home, "namespace", "core/v1:Namespace", { metadata }, protect);
}

/** A NetworkPolicy. */
export function networkPolicy(home: string, part: string, spec: unknown): Resource {
  return object(home, part, "networking.k8s.io/v1:NetworkPolicy", { spec });
}

/** A NetworkPolicy that lets every pod out to `to`. */
export function egressTo(home: string, ...to: unknown[]): Resource {
  return networkPolicy(home, "egress", { podSelector: {}, policyTypes: ["Egress"], egress: [{ to }] });
}

/** A Service. */
export function service(home: string, spec: unknown): Resource {
  return object(home, "service", "core/v1:Service", { spec });
}

/** A Role. */
export function role(home: string, ...rules: unknown[]): Resource {
  return object(home, "role", "rbac.authorization.k8s.io/v1:Role", { rules });
}

/** A RoleBinding. */
export function binding(home: string, subject: unknown, roleName = "role", kind = "Role"): Resource {
  return object(home, "binding", "rbac.authorization.k8s.io/v1:RoleBinding", {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: roleName },
    subjects: [subject],
  });
}

/** A PodDisruptionBudget of the sandboxes, with other fields. */
export function budget(home: string, spec: Fields = { maxUnavailable: 1 }): Resource {
  return object(home, "budget", "policy/v1:PodDisruptionBudget", {
    spec: { selector: { matchLabels: sandboxLabels }, ...spec },
  });
}

/** A PersistentVolume. */
export function volume(home: string, source: Fields, protect = true): Resource {
  const spec = { capacity: { storage: "1Gi" }, accessModes: ["ReadOnlyMany"], ...source };
  return clusterObject(home, "volume", "core/v1:PersistentVolume", { spec }, protect);
}

/** A Kubernetes provider. */
export function provider(home: string, props: Fields): Resource {
  return { type: "pulumi:providers:kubernetes", name: `${home}-provider`, props };
}

/** The good stack. */
export function goodStack(home: string): Stack {
  const readPods = { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] };
  const readOneSecret = { apiGroups: [""], resources: ["secrets"], resourceNames: ["one"], verbs: ["get"] };
  return {
    provider: provider(home, { clusterIdentifier: home }),
    namespace: namespace(home),
    quota: object(home, "quota", "core/v1:ResourceQuota", {
      spec: {
        hard: { pods: "9", "limits.cpu": "9", "limits.memory": "9Gi", "limits.ephemeral-storage": "9Gi" },
      },
    }),
    limits: object(home, "limits", "core/v1:LimitRange", {
      spec: { limits: [{ type: "Container", max: amounts, default: amounts }] },
    }),
    denyAll: networkPolicy(home, "deny-all", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }),
    account: object(home, "sandbox", "core/v1:ServiceAccount", { automountServiceAccountToken: false }),
    role: role(home, readPods, readOneSecret),
    binding: binding(home, { kind: "ServiceAccount", name: "other", namespace: home }),
    deployment: deployment(home),
    service: service(home, { type: "ClusterIP", ports: [{ port: 80 }] }),
    budget: budget(home),
    volume: volume(home, { nfs: { server: "203.0.113.9", path: "/skills" } }),
  };
}
