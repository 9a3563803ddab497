// Makes an idle pod somebody's sandbox, by one write.
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import { isNotFound, KubernetesError } from "../kubernetes/client.js";
import type { ClusterClock } from "../kubernetes/clock.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { ranked } from "../model/choice.js";
import { claimMetadata, claimPatch } from "../model/claim.js";
import { hasTime } from "../model/deadline.js";
import { revisionOf, type Environment } from "../model/environment.js";
import type { PodSettings } from "../model/pod.js";
import { viewOf, type IdlePod, type Sandbox } from "../model/sandbox.js";
import { attribute, inSpan } from "../tracing/spans.js";
import { isLive, rankKey, type Directory } from "./directory.js";
import type { HandingOver } from "./handing-over.js";
import type { Environments } from "./environments.js";
import type { Metrics } from "./metrics.js";
import type { PodTimes } from "./pod-times.js";
import type { Reservations } from "./reservations.js";
import type { SandboxPods } from "./sandbox-pods.js";
import type { Services } from "./services.js";
import type { Attempt, Settling } from "./settling.js";
import type { Tokens } from "./tokens.js";

/** What claiming needs. */
export interface IdleClaimsParts {
  readonly namespace: Namespace;
  readonly pods: WatchCache<V1Pod>;
  readonly sandboxPods: SandboxPods;
  readonly directory: Directory;
  readonly environments: Environments;
  readonly services: Services;
  readonly tokens: Tokens;
  readonly times: PodTimes;
  readonly clock: ClusterClock;
  readonly metrics: Metrics;
  readonly reservations: Reservations;
  readonly handingOver: HandingOver;
  readonly settling: Settling;
  readonly settings: PodSettings;
}

/** An idle pod answers at once or is no good. */
const handOverMs = 2_000;
const claimAttempts = 5;
/** How long an idle pod's Service is waited for, which is made right after the pod. */
const serviceMs = 500;
/** How often an idle pod that is starting is looked at, where it is the last that there may be. */
const startingMs = 100;

/** Claims. */
export class IdleClaims {
  readonly #parts: IdleClaimsParts;
  readonly #taken = new Set<string>();

  constructor(parts: IdleClaimsParts) {
    this.#parts = parts;
  }

  /** Whether an idle pod is being claimed at this moment. */
  get underWay(): boolean {
    return this.#taken.size > 0;
  }

  /** Idle pods that can be claimed, now or once they are Ready: of what the environment is, and made with a key that is known. */
  fitting(environment: Environment): IdlePod[] {
    const { directory, tokens, settings } = this.#parts;
    const revision = revisionOf(environment, settings);
    return directory.idle(environment.name).filter((pod) => pod.revision === revision && tokens.knows(pod));
  }

  /** How many idle pods of the environment a create would find. */
  ready(environment: string): number {
    const defined = this.#parts.environments.get(environment);
    if (defined === undefined) return 0;
    return this.#running(defined).filter((pod) => !this.#parts.services.lacks(pod)).length;
  }

  /** An idle pod, if one will do. Where no other pod may be made, one that is still starting is waited for. */
  async claim(environment: Environment, attempt: Attempt): Promise<Sandbox | undefined> {
    const { reservations } = this.#parts;
    const { deadline } = attempt;
    for (;;) {
      const claimed = await this.#claimRunning(environment, attempt);
      if (claimed !== undefined || !reservations.full) return claimed;
      const mayCome = this.fitting(environment).some(({ state }) => state === "starting");
      if (!mayCome || deadline.aborted) return undefined;
      await sleep(startingMs, undefined, { signal: deadline }).catch(() => undefined);
    }
  }

  /** One that is Ready; where a claim comes to nothing, the next one is tried. */
  async #claimRunning(environment: Environment, attempt: Attempt): Promise<Sandbox | undefined> {
    const { metrics, handingOver, settling, sandboxPods } = this.#parts;
    const { request, deadline } = attempt;
    let attempts = 0;
    for (const pod of this.#candidates(environment, attempt)) {
      // Another claim of this process has it: its write would be refused, so it is not even tried.
      if (this.#taken.has(pod.podUid)) continue;
      if ((attempts += 1) > claimAttempts) break;
      this.#taken.add(pod.podUid);
      try {
        // Its URL would lead nowhere; what keeps one from its Service keeps those after it.
        if (!(await this.#isServed(pod, deadline))) break;
        const claimed = await inSpan("claim pod", { [attribute.pod]: pod.podName }, async (span) => {
          const claim = await this.#write(pod, environment, attempt);
          span.setAttribute(attribute.outcome, claim?.outcome ?? "lost");
          return claim;
        });
        if (claimed === undefined) {
          metrics.claimLost(environment.name);
          continue;
        }
        const { sandbox, outcome } = claimed;
        // Whoever claimed it may have answered its owner: it is theirs, whether or not it answers us.
        if (outcome === "found") return await settling.adopt(sandbox, attempt);
        const limit = AbortSignal.any([deadline, AbortSignal.timeout(handOverMs)]);
        const answers = await handingOver.handOver(sandbox, request, limit, true);
        if (answers) return await settling.settle(sandbox, attempt);
        // It was Ready and does not answer: it is no good to anybody.
        await sandboxPods.remove(sandbox, deadline);
      } finally {
        this.#taken.delete(pod.podUid);
      }
    }
    return undefined;
  }

  /** Those that would do, best first. */
  #candidates(environment: Environment, { request }: Attempt): IdlePod[] {
    const { times, services } = this.#parts;
    const { hardSeconds } = request.lifetime;
    const usable = this.#running(environment).filter((pod) => hasTime(pod, times.age(pod), hardSeconds));
    const order = ranked(rankKey(request.tenant, request.id), usable);
    return order.toSorted((one, other) => Number(services.lacks(one)) - Number(services.lacks(other)));
  }

  #running(environment: Environment): IdlePod[] {
    return this.fitting(environment).filter(({ state }) => state === "running");
  }

  /** Whether an idle pod has its Service, or gets it at once: the pod is a moment older than that. */
  async #isServed(pod: IdlePod, deadline: AbortSignal): Promise<boolean> {
    const { services } = this.#parts;
    if (!services.lacks(pod)) return true;
    const patience = AbortSignal.any([deadline, AbortSignal.timeout(serviceMs)]);
    await services.ensure(pod, patience).catch((error: unknown) => {
      if (!(error instanceof KubernetesError)) throw error;
    });
    return !services.lacks(pod);
  }

  /**
   * The one write. `found`: it was claimed for the same id already, by another replica or by a write of ours whose answer was lost.
   * Nothing if somebody else was first, or the pod is over.
   */
  async #write(
    pod: IdlePod,
    environment: Environment,
    { request, fingerprint, deadline }: Attempt,
  ): Promise<{ readonly sandbox: Sandbox; readonly outcome: "won" | "found" } | undefined> {
    const { namespace, pods, sandboxPods, clock } = this.#parts;
    const now = clock.now();
    const claim = claimMetadata(request, fingerprint, environment.egress, now);
    try {
      const sandbox = await sandboxPods.patch(pod.podName, claimPatch(pod, claim, now), deadline);
      // The API server takes a claim of a pod that is being deleted too; its server may even answer until it is killed.
      return sandbox.state === "stopping" ? undefined : { sandbox, outcome: "won" };
    } catch (error) {
      // A test of the patch that fails is 422; a pod that went is 404.
      if (!(error instanceof KubernetesError) || ![404, 409, 422].includes(error.status)) throw error;
      if (error.status === 404) return undefined;
      const there = await namespace.getPod(pod.podName, deadline).catch((trouble: unknown) => {
        if (isNotFound(trouble)) return {};
        // It may be ours: to claim another one as well would be wrong.
        throw trouble;
      });
      const view = viewOf(there);
      const same =
        view.kind === "sandbox" && view.pod.tenant === request.tenant && view.pod.id === request.id;
      if (!same || !isLive(view.pod)) return undefined;
      pods.observe(there);
      return { sandbox: view.pod, outcome: "found" };
    }
  }
}
