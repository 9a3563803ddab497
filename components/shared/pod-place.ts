// Where a pod runs and by what right it gets its image, of what jobs and checks are told; what is not told is left out.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

import { tolerationObject, type SandboxToleration } from "./tolerations";

/** What can be told. */
export interface PodPlace {
  readonly priorityClassName?: pulumi.Input<string> | undefined;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly SandboxToleration[];
  readonly imagePullSecrets: readonly string[];
}

/** The part of the pod's specification. */
export function podPlace(place: PodPlace): Partial<k8s.types.input.core.v1.PodSpec> {
  const { priorityClassName, nodeSelector, tolerations, imagePullSecrets } = place;
  return {
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations: tolerations.map(tolerationObject) }),
    ...(imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
  };
}
