// The Services of sandboxes, where URLs need them: made with the pod, and made up for where a crash came between the two writes.
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Service } from "@kubernetes/client-node";

import { isConflict, isTrouble, KubernetesError } from "../kubernetes/client.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { serviceName } from "../model/names.js";
import { buildService, isServiceOf, type ServedPod, type ServiceType } from "../model/service.js";
import type { PodFacts } from "../model/sandbox.js";

/** How often it is looked whether the Service of an earlier pod has gone. Milliseconds. */
const lookEveryMs = 100;
const firstBackoffMs = 1_000;
const longestBackoffMs = 30_000;

/** Makes Services; does nothing where none are needed. */
export class Services {
  readonly #namespace: Namespace;
  readonly #type: "NodePort" | "ClusterIP" | undefined;
  readonly #cache: WatchCache<V1Service> | undefined;
  readonly #underWay = new Set<string>();
  /** After failures of {@link repair}: how long it waits, and until when. */
  #backoff = { ms: 0, until: 0 };

  constructor(namespace: Namespace, type: ServiceType, cache: WatchCache<V1Service> | undefined) {
    this.#namespace = namespace;
    this.#type = type === "Router" ? undefined : type;
    this.#cache = cache;
  }

  /** The pod's own Service. One of an earlier pod of the same name is on its way out: its port leads nowhere in a moment. */
  of({ podName, podUid }: Pick<ServedPod, "podName" | "podUid">): V1Service | undefined {
    const there = this.#cache?.get(serviceName(podName));
    return there !== undefined && isServiceOf(there, podUid) ? there : undefined;
  }

  /** Whether the pod lacks a Service that it needs: nobody could be given its URL. */
  lacks(pod: Pick<ServedPod, "podName" | "podUid">): boolean {
    return this.#type !== undefined && this.of(pod) === undefined;
  }

  /**
   * Makes sure that the pod has its Service. That of an earlier pod of its name goes first: it is waited for until `deadline`, and
   * after that left to {@link repair}.
   * @throws KubernetesError
   */
  async ensure(pod: ServedPod, deadline: AbortSignal): Promise<void> {
    while (!(await this.#make(pod, deadline)) && !deadline.aborted)
      await sleep(lookEveryMs, undefined, { signal: deadline }).catch(() => undefined);
  }

  /**
   * Makes up for what is missing among `pods`. What fails is left to the next time, which is later each time: a full quota is not
   * asked again by every pod in every second.
   */
  async repair(pods: readonly PodFacts[]): Promise<void> {
    if (performance.now() < this.#backoff.until) return;
    let failed = false;
    for (const pod of pods) {
      // A failed one does not come back: its Service would take the room of one that leads somewhere.
      if (pod.state === "stopping" || pod.state === "failed" || !this.lacks(pod)) continue;
      try {
        await this.#make(pod);
      } catch (error) {
        failed = true;
        if (refusesAll(error)) break;
      }
    }
    const ms = failed ? Math.min(longestBackoffMs, Math.max(firstBackoffMs, 2 * this.#backoff.ms)) : 0;
    this.#backoff = { ms, until: performance.now() + ms };
  }

  /** Whether the pod has its Service now. */
  async #make(pod: ServedPod, deadline?: AbortSignal): Promise<boolean> {
    if (this.#type === undefined || !this.lacks(pod)) return true;
    const earlier = this.#cache?.get(serviceName(pod.podName));
    if (earlier !== undefined || this.#underWay.has(pod.podUid)) return false;
    this.#underWay.add(pod.podUid);
    try {
      const service = buildService(pod, this.#namespace.name, this.#type);
      this.#cache?.observe(await this.#namespace.createService(service, deadline));
      return true;
    } catch (error) {
      // One of this name is there, and the watch has yet to say whose.
      if (isConflict(error)) return false;
      throw error;
    } finally {
      this.#underWay.delete(pod.podUid);
    }
  }
}

/** Whether any other Service would be answered the same: no room, no right, or no answer as it should be. */
function refusesAll(error: unknown): boolean {
  return error instanceof KubernetesError && (error.status === 403 || isTrouble(error));
}
