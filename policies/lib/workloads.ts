// Workloads: whatever makes pods, and the pods it makes.
import { at, fieldsAt, listAt, settle, textAt, type Value } from "./values";

/** A pod, or the template of pods. */
export interface Workload {
  readonly kind: string;
  /** Undefined if it is not known yet or left to the provider. */
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, Value>>;
  readonly spec: Value;
}

/** A container, with the name it goes by in messages. */
export interface NamedContainer {
  readonly label: string;
  readonly container: Value;
}

/** Where each kind keeps its pod. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** The last part of a Kubernetes type token: its kind. Undefined for other providers' types. */
export function kindOf(type: string): string | undefined {
  return /^kubernetes:[^:]+:(\w+)$/.exec(type)?.[1];
}

/** The workload that a resource is; undefined if it is none. */
export function workloadOf(type: string, props: unknown): Workload | undefined {
  const kind = kindOf(type);
  const path = kind === undefined ? undefined : podPaths[kind];
  if (kind === undefined || path === undefined) return undefined;
  const object = settle(props);
  const pod = at(object, ...path);
  return {
    kind,
    namespace: textAt(object, "metadata", "namespace"),
    labels: Object.fromEntries(fieldsAt(pod, "metadata", "labels")),
    spec: at(pod, "spec"),
  };
}

/** Whether a workload's pods run untrusted code. */
export function isSandbox({ labels }: Workload): boolean {
  return (
    labels["app.kubernetes.io/name"] === "sandlot" && labels["app.kubernetes.io/component"] === "sandbox"
  );
}

/** All containers of a pod, those that only start it too. */
export function containersOf({ spec }: Workload): NamedContainer[] {
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((field) =>
    listAt(spec, field).map((container, i) => ({
      label: `container ${textAt(container, "name") ?? `${field}[${i}]`}`,
      container,
    })),
  );
}
