// The two pods that are held against each other: a sandbox as it is deployed, and the barest pod of the same image that the
// namespace admits. Pure.
import type { V1Container, V1Pod, V1PodTemplateSpec } from "@kubernetes/client-node";

/** The label by which the pods of benchmarks are found. */
export const benchLabel = "sandlot.dev/bench";

/** A kind of pod: what is measured, as it is and without a startup probe, and its reference. */
export type PodKind = "sandbox" | "unprobed" | "bare";

/** Where a pod goes and what it is called. */
export interface PodPlace {
  readonly namespace: string;
  readonly name: string;
}

/**
 * A pod of the Deployment's template, of no Service's and no disruption budget's concern: those choose pods by instance.
 * The network policies see in it what they see in any sandbox.
 */
export function benchPod(kind: PodKind, template: V1PodTemplateSpec, place: PodPlace): V1Pod {
  const { spec } = template;
  const [container] = spec?.containers ?? [];
  if (spec === undefined || container === undefined)
    throw new Error("the Deployment's pods have no container");
  const labels = { ...template.metadata?.labels, "app.kubernetes.io/instance": "bench", [benchLabel]: kind };
  const { runtimeClassName, securityContext, serviceAccountName } = spec;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...place, labels },
    spec:
      kind === "bare"
        ? {
            runtimeClassName,
            securityContext,
            serviceAccountName,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            restartPolicy: "Never",
            containers: [bareContainer(container)],
          }
        : Object.assign({}, spec, {
            restartPolicy: "Never",
            containers: kind === "unprobed" ? [withoutStartupProbe(container)] : spec.containers,
          }),
  };
}

/** As `sandbox.startupProbe.enabled: false` deploys it, but for the patience of the liveness probe. */
function withoutStartupProbe(container: V1Container): V1Container {
  const rest = Object.assign({}, container);
  delete rest.startupProbe;
  return rest;
}

/** The same image under the same security context and limits; no server, no probe, no volume. */
function bareContainer({
  name,
  image,
  imagePullPolicy,
  securityContext,
  resources,
}: V1Container): V1Container {
  return { name, image, imagePullPolicy, securityContext, resources, command: ["sleep", "infinity"] };
}
