// Makes a pod for a sandbox. It is called after the sandbox's id, so that of two that are made for one id the API server takes one.
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import { isConflict, isNotFound, KubernetesError } from "../kubernetes/client.js";
import type { ClusterClock } from "../kubernetes/clock.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { claimMetadata } from "../model/claim.js";
import { coldPodName } from "../model/names.js";
import { buildPod, type PodRequest, type PodSettings } from "../model/pod.js";
import { viewOf, type Sandbox } from "../model/sandbox.js";
import type { Arrivals } from "./arrivals.js";
import { isLive, type Directory } from "./directory.js";
import { SandboxError } from "./errors.js";
import type { SandboxPods } from "./sandbox-pods.js";
import type { Services } from "./services.js";
import type { Attempt, Settling } from "./settling.js";
import type { Tokens } from "./tokens.js";
import { untilGone } from "./until-gone.js";

/** What making pods needs. */
export interface ColdStartsParts {
  readonly namespace: Namespace;
  readonly pods: WatchCache<V1Pod>;
  readonly sandboxPods: SandboxPods;
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly services: Services;
  readonly tokens: Tokens;
  readonly clock: ClusterClock;
  readonly settling: Settling;
  readonly settings: PodSettings;
}

/** What a pod is to be. */
export type Order = Required<Pick<PodRequest, "environment" | "volumes" | "madeToOrder">>;

/** A pause, so that the API server is not asked as fast as it answers. */
const againMs = 50;

/** Makes them. */
export class ColdStarts {
  readonly #parts: ColdStartsParts;

  constructor(parts: ColdStartsParts) {
    this.#parts = parts;
  }

  /** A sandbox of its own pod, after what has the name has gone; or the one that has the id by then. */
  async start(order: Order, attempt: Attempt): Promise<Sandbox> {
    const { namespace, pods, sandboxPods, directory, arrivals, tokens, settling, settings, clock } =
      this.#parts;
    const { request, fingerprint, deadline } = attempt;
    let name = coldPodName(request.tenant, request.id);
    for (;;) {
      const claim = claimMetadata(request, fingerprint, order.environment.egress, clock.now());
      const { keyId } = tokens;
      const claimSecret = tokens.claimSecret({ podName: name, keyId });
      const deadlineSeconds = claim.hardSeconds;
      const pod = buildPod({ ...order, name, claimSecret, keyId, claim, deadlineSeconds }, settings);
      try {
        const sandbox = await arrivals.of(() => sandboxPods.create(pod, deadline));
        await this.#serve(sandbox, deadline);
        return await settling.settle(sandbox, attempt);
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      const there = await namespace.getPod(name, deadline).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (there === undefined) {
        // It went between the two answers, so its name is free.
        if (deadline.aborted)
          throw new SandboxError("busy", `the cluster takes no pod ${name} and has none either; try again`);
        await sleep(againMs);
        continue;
      }
      pods.observe(there);
      const view = viewOf(there);
      if (view.kind !== "sandbox" || view.pod.tenant !== request.tenant || view.pod.id !== request.id)
        throw new SandboxError("refused", `the pod ${name} is there, but is no sandbox of ours; remove it`);
      if (isLive(view.pod)) return settling.adopt(view.pod, attempt);
      if (view.pod.state === "failed") await sandboxPods.remove(view.pod, deadline);
      await untilGone(view.pod, this.#parts, deadline);
      const other = directory.get(request.tenant, request.id);
      if (other !== undefined && isLive(other)) return settling.adopt(other, attempt);
      // It is not deleted by force: what runs on a node that is only cut off may still write to its volumes, and the cluster
      // must go on knowing that.
      if (sandboxPods.isStuck(view.pod)) name = coldPodName(request.tenant, request.id, view.pod.podUid);
    }
  }

  /** Makes the Service of a new pod, or unmakes the pod where the cluster takes none: nobody would ever be led to it. */
  async #serve(sandbox: Sandbox, deadline: AbortSignal): Promise<void> {
    const { services, sandboxPods } = this.#parts;
    try {
      await services.ensure(sandbox, deadline);
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 403)
        await sandboxPods.remove(sandbox, deadline);
      throw error;
    }
  }
}
