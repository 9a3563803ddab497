// Sees pods come and go.
import type { KubeConfig, V1Pod } from "@kubernetes/client-node";

import { isTrue, ObjectWatch } from "./object-watch.js";

/** Whether the kubelet has said that the pod is Ready. */
export function isReady(pod: V1Pod | undefined): boolean {
  return isTrue(pod, "Ready");
}

/** A watch over the pods of a namespace that a label selects. */
export class PodWatch extends ObjectWatch<V1Pod> {
  /** @param signal ends every wait */
  constructor(signal: AbortSignal) {
    // One that is told to go may end with whatever it likes.
    super(
      "pod",
      signal,
      ({ metadata, status }) => metadata?.deletionTimestamp === undefined && status?.phase === "Failed",
    );
  }

  async open(config: KubeConfig, namespace: string, labelSelector: string): Promise<void> {
    await this.openPath(config, `/api/v1/namespaces/${namespace}/pods`, labelSelector);
  }
}
