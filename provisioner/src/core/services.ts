// The Services of sandboxes, where URLs need them: made with the pod, and made up for where a crash came between the two writes.
import type { V1Service } from "@kubernetes/client-node";

import { isConflict } from "../kubernetes/client.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { buildService, type ServedPod } from "../model/service.js";
import type { PodFacts } from "../model/sandbox.js";

/** Makes Services; does nothing where none are needed. */
export class Services {
  readonly #namespace: Namespace;
  readonly #type: "NodePort" | "ClusterIP" | undefined;
  readonly #cache: WatchCache<V1Service> | undefined;
  readonly #underWay = new Set<string>();

  constructor(
    namespace: Namespace,
    type: "NodePort" | "ClusterIP" | undefined,
    cache: WatchCache<V1Service> | undefined,
  ) {
    this.#namespace = namespace;
    this.#type = type;
    this.#cache = cache;
  }

  /** Makes sure that the pod has its Service. @throws KubernetesError */
  async ensure(pod: ServedPod): Promise<void> {
    if (this.#type === undefined || this.#underWay.has(pod.podUid)) return;
    const service = buildService(pod, this.#namespace.name, this.#type);
    const there = this.#cache?.get(service.metadata?.name ?? "");
    if (there?.metadata?.ownerReferences?.some(({ uid }) => uid === pod.podUid) === true) return;
    this.#underWay.add(pod.podUid);
    try {
      this.#cache?.observe(await this.#namespace.createService(service));
    } catch (error) {
      // That of an earlier pod of this name is still going; the next look at it makes up for it.
      if (!isConflict(error)) throw error;
    } finally {
      this.#underWay.delete(pod.podUid);
    }
  }

  /** Makes up for what is missing among `pods`; failures are left to the next time. */
  async repair(pods: readonly PodFacts[]): Promise<void> {
    if (this.#type === undefined) return;
    await Promise.allSettled(pods.filter(({ state }) => state !== "stopping").map((pod) => this.ensure(pod)));
  }
}
