// The objects around a provisioner of the benchmarks' own: as the stack's, in namespaces of its own. Pure.
import type {
  V1Container,
  V1Deployment,
  V1NetworkPolicy,
  V1Pod,
  V1PolicyRule,
  V1Service,
} from "@kubernetes/client-node";

import { benchLabel } from "../pod-manifests.js";

/** The namespaces: `home` of sandboxes, `system` of the provisioner. */
export interface Namespaces {
  readonly home: string;
  readonly system: string;
}

/** What the name of the provisioner's objects is. */
export const provisionerName = "provisioner";
const apiPort = 8002;
/** The port of its metrics. */
export const metricsPort = 8003;

/** Its pods' label, beside those of the stack's own, which policies see. */
const labels = { "app.kubernetes.io/name": "sandlot", "app.kubernetes.io/component": "provisioner" };

/** Variables of the stack's provisioner that name what the benchmarks' namespaces do not have, or have otherwise. */
const dropped = new Set([
  "SKILLS_PVC_NAME",
  "USERDATA_PVC_NAME",
  "EGRESS_PROXY_URL",
  "API_KEYS_FILE",
  "SIGNING_KEY_FILE",
]);

/** What its pod is told. */
export interface PodWords {
  readonly apiKey: string;
  readonly maxSandboxes: number;
  /** What clients reach it by. */
  readonly url: string;
}

/** The container of the stack's provisioner. @throws Error if there is none. */
export function provisionerContainer({ spec }: V1Deployment): V1Container {
  const [container] = spec?.template.spec?.containers ?? [];
  if (container === undefined) throw new Error("the provisioner's Deployment has no container");
  return container;
}

/** The value of one of its variables. */
export function variableOf({ env }: V1Container, name: string): string | undefined {
  return env?.find((one) => one.name === name)?.value;
}

/** The stack's provisioner as one pod: the same image, limits and security context, but for other namespaces and another key. */
export function provisionerPod(deployment: V1Deployment, namespaces: Namespaces, words: PodWords): V1Pod {
  const container = provisionerContainer(deployment);
  const { securityContext, imagePullSecrets } = deployment.spec?.template.spec ?? {};
  const own: Record<string, string> = {
    K8S_NAMESPACE: namespaces.home,
    SANDBOX_SERVICE_TYPE: "Router",
    ROUTER_URL: words.url,
    MAX_SANDBOXES: String(words.maxSandboxes),
    PROVISIONER_API_KEY: words.apiKey,
  };
  const kept = (container.env ?? []).filter(({ name }) => !dropped.has(name) && !(name in own));
  const env = [...kept, ...Object.entries(own).map(([name, value]) => ({ name, value }))];
  return {
    metadata: {
      name: provisionerName,
      namespace: namespaces.system,
      labels: { ...labels, [benchLabel]: "" },
    },
    spec: {
      ...{
        serviceAccountName: provisionerName,
        enableServiceLinks: false,
        securityContext,
        imagePullSecrets,
      },
      containers: [Object.assign({}, container, { env, volumeMounts: [] })],
    },
  };
}

/** A Service that opens a port of the node to pods with these labels. */
export function nodePort(
  place: { name: string; namespace: string },
  selector: Record<string, string>,
  targetPort: string,
): V1Service {
  return {
    metadata: place,
    spec: { type: "NodePort", selector, ports: [{ port: apiPort, targetPort, protocol: "TCP" }] },
  };
}

/** The Service of the provisioner. */
export function provisionerService({ system }: Namespaces): V1Service {
  return nodePort({ name: provisionerName, namespace: system }, labels, "api");
}

/** The Role of the stack's provisioner and its binding. */
export function access(rules: V1PolicyRule[] | undefined, { home, system }: Namespaces) {
  const metadata = { name: provisionerName, namespace: home };
  return {
    role: { metadata, rules },
    binding: {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: provisionerName },
      subjects: [{ kind: "ServiceAccount", name: provisionerName, namespace: system }],
    },
  };
}

/** The walls around the stack's sandboxes, around those of the benchmarks; and a gap for calls that do not go by the router. */
export function walls(
  policies: readonly V1NetworkPolicy[],
  from: Namespaces,
  to: Namespaces,
): V1NetworkPolicy[] {
  const names = new Map([
    [from.home, to.home],
    [from.system, to.system],
  ]);
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === "kubernetes.io/metadata.name" ? (names.get(String(inner)) ?? inner) : moved(inner),
      ]),
    );
  };
  const gap: V1NetworkPolicy = {
    metadata: { name: "bench-direct", namespace: to.home },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [{ ports: [{ protocol: "TCP", port: "http" }] }],
    },
  };
  const copies = policies.map(
    ({ metadata, spec }): V1NetworkPolicy => ({
      metadata: { name: metadata?.name ?? "", namespace: to.home },
      spec: moved(spec) as V1NetworkPolicy["spec"],
    }),
  );
  return [...copies, gap];
}

/** What sandboxes run in: the environment's own runtime, or the nodes' ordinary one, which isolates less. */
export type Runtime = "own" | "ordinary";

/** The part of an environment's record that is looked at. */
interface EnvironmentRecord {
  readonly runtimeClassName?: string;
  readonly resources?: { readonly limits?: object };
}

/** The RuntimeClass of an environment's record; undefined: the nodes' ordinary runtime. */
export function runtimeOf(text: string): string | undefined {
  return (JSON.parse(text) as EnvironmentRecord).runtimeClassName;
}

/** An environment's record with a pool of `size`, and asking for so little that a small machine holds the pool. */
export function environmentRecord(text: string, size: number, runtime: Runtime = "own"): string {
  const record = JSON.parse(text) as EnvironmentRecord;
  const requests = { cpu: "5m", memory: "32Mi", "ephemeral-storage": "32Mi" };
  return JSON.stringify({
    ...record,
    ...(runtime === "ordinary" ? { runtimeClassName: undefined } : {}),
    resources: { ...record.resources, requests },
    pool: { size },
  });
}
