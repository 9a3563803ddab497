// What of an object is kept in memory: the API server sends far more than anybody here reads, and there may be thousands.
import type { V1Container, V1Pod } from "@kubernetes/client-node";

import type { KubernetesObject } from "./watch-cache.js";

/** Without the record of who wrote which field: a third of a pod. */
export function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata === undefined || !("managedFields" in object.metadata)) return object;
  return { ...object, metadata: without(object.metadata, ["managedFields"]) };
}

/** Also without what a pod was told to run and where, which is decided by the time that anybody asks. */
export function slimPod(pod: V1Pod): V1Pod {
  const slim = withoutManagedFields(pod as KubernetesObject) as V1Pod;
  if (pod.spec === undefined) return slim;
  const dropped = ["volumes", "tolerations", "initContainers", "affinity", "topologySpreadConstraints"];
  const containers = pod.spec.containers.map(slimContainer);
  return Object.assign({}, slim, { spec: Object.assign(without(pod.spec, dropped), { containers }) });
}

function slimContainer(container: V1Container): V1Container {
  return without(container, [
    ...(["env", "envFrom", "command", "args", "volumeMounts", "securityContext", "lifecycle"] as const),
    ...(["startupProbe", "readinessProbe", "livenessProbe"] as const),
  ]);
}

/** A copy without some fields, which may be absent in what is returned. */
function without<T extends object>(object: T, fields: readonly string[]): T {
  return Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field))) as T;
}
