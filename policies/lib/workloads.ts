// Workloads: whatever makes pods, and the pods it makes.
import { at, fieldsAt, listAt, mayExist, textAt, unknown, type Value } from "./values";

/** A pod, or the template of pods. */
export interface Workload {
  readonly kind: string;
  /** Undefined if it is not known yet or left to the provider. */
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, Value>>;
  /** Whether all labels are there, if perhaps with values that are not known yet. */
  readonly areLabelsKnown: boolean;
  readonly annotations: Readonly<Record<string, Value>>;
  readonly spec: Value;
}

/** A container, with the name it goes by in messages. */
export interface NamedContainer {
  readonly label: string;
  readonly container: Value;
}

/** A security context, with the name of what it belongs to. */
export interface NamedContext {
  readonly label: string;
  readonly context: Value;
}

/** Where each kind keeps its pod. */
const podPaths: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  PodTemplate: ["template"],
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** The kinds that keep several pods of one service running. */
export const serviceKinds: readonly string[] = ["Deployment", "StatefulSet"];

/**
 * The kind that a Pulumi type is of. Undefined for other providers' types, and for kinds that others brought into the cluster:
 * those of the same name have nothing in common with Kubernetes' own.
 */
export function kindOf(type: string): string | undefined {
  return /^kubernetes:(?:[a-z]+|[a-z.]+\.k8s\.io)\/\w+:(\w+)$/.exec(type)?.[1];
}

/** The workload that a resource is; undefined if it is none. */
export function workloadOf(type: string, object: Value): Workload | undefined {
  const kind = kindOf(type);
  const path = kind === undefined ? undefined : podPaths[kind];
  if (kind === undefined || path === undefined) return undefined;
  const pod = at(object, ...path);
  return {
    kind,
    namespace: textAt(object, "metadata", "namespace"),
    labels: Object.fromEntries(fieldsAt(pod, "metadata", "labels")),
    areLabelsKnown: at(pod, "metadata", "labels") !== unknown,
    annotations: Object.fromEntries(fieldsAt(pod, "metadata", "annotations")),
    spec: at(pod, "spec"),
  };
}

/** Whether labels are those of what runs untrusted code. */
export function areOfSandboxes(labels: Readonly<Record<string, Value>>): boolean {
  return (
    labels["app.kubernetes.io/name"] === "sandlot" && labels["app.kubernetes.io/component"] === "sandbox"
  );
}

/** Whether a workload's pods run untrusted code. */
export function isSandbox({ labels }: Workload): boolean {
  return areOfSandboxes(labels);
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

/** Every security context of a pod: its own, and each container's. */
export function securityContextsOf(workload: Workload): NamedContext[] {
  const ofContainers = containersOf(workload).map(
    ({ label, container }): NamedContext => ({ label, context: at(container, "securityContext") }),
  );
  return [{ label: "pod", context: at(workload.spec, "securityContext") }, ...ofContainers];
}

/** A setting that containers take over from their pod, as each container has it. */
export function inheritedBy(workload: Workload, ...path: string[]): { label: string; value: Value }[] {
  const ofPod = at(workload.spec, "securityContext", ...path);
  return containersOf(workload).map(({ label, container }): { label: string; value: Value } => {
    const own = at(container, "securityContext", ...path);
    return { label, value: mayExist(own) ? own : ofPod };
  });
}
