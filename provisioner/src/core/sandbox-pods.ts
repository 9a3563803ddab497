// The pods that sandboxes are: what a write of ours returns is known at once, before the watch tells it.
import type { V1Pod } from "@kubernetes/client-node";

import { isConflict, isNotFound } from "../kubernetes/client.js";
import type { Namespace, PodIdentity } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import type { PatchOperation } from "../model/claim.js";
import { viewOf, type Sandbox } from "../model/sandbox.js";
import { isStuck } from "../model/timeouts.js";
import { notFound } from "./errors.js";
import type { PodTimes } from "./pod-times.js";

/** Makes, changes and deletes them. What throws KubernetesErrors is to be translated for whoever asked. */
export class SandboxPods {
  readonly #namespace: Namespace;
  readonly #pods: WatchCache<V1Pod>;
  readonly #times: PodTimes;

  constructor(namespace: Namespace, pods: WatchCache<V1Pod>, times: PodTimes) {
    this.#namespace = namespace;
    this.#pods = pods;
    this.#times = times;
  }

  /** @throws KubernetesError */
  async create(pod: V1Pod, deadline: AbortSignal): Promise<Sandbox> {
    return this.#seen(await this.#namespace.createPod(pod, deadline));
  }

  /** @throws KubernetesError; SandboxError if the pod is no sandbox by now. */
  async patch(
    podName: string,
    operations: readonly PatchOperation[],
    deadline?: AbortSignal,
  ): Promise<Sandbox> {
    return this.#seen(await this.#namespace.patchPod(podName, operations, deadline));
  }

  /** Deletes it, if it is there. @throws KubernetesError */
  async remove({ podName, podUid }: Sandbox, deadline?: AbortSignal): Promise<void> {
    // Gone, or another pod has its name: either way, this one is not there.
    await this.#delete({ podName, podUid }, deadline);
  }

  /** Deletes it if it is as we saw it, and so is neither gone nor going; whether it was. @throws KubernetesError */
  removeAsSeen({ podName, podUid, resourceVersion }: Sandbox): Promise<boolean> {
    return this.#delete({ podName, podUid, resourceVersion });
  }

  async #delete(pod: PodIdentity, deadline?: AbortSignal): Promise<boolean> {
    try {
      const deleted = await this.#namespace.deletePod(pod, deadline);
      if (deleted !== undefined) this.#pods.observe(deleted);
      return true;
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
      return false;
    }
  }

  /** Whether the pod is still there although it should have been gone: its node is lost, and may stay so. */
  isStuck({ podName, podUid }: Sandbox): boolean {
    const view = viewOf(this.#pods.get(podName) ?? {});
    return view.kind === "sandbox" && view.pod.podUid === podUid && isStuck(this.#times.ages(view.pod));
  }

  /** Puts a pod that a write has returned into the copy, and reads it. */
  #seen(pod: V1Pod): Sandbox {
    this.#pods.observe(pod);
    const view = viewOf(pod);
    if (view.kind !== "sandbox") throw notFound();
    return view.pod;
  }
}
