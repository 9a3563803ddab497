// Keeps idle pods at hand, as many as each environment says. Only the replica that leads does so.
import { isConflict, isNotFound } from "../kubernetes/client.js";
import type { V1Pod } from "@kubernetes/client-node";

import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { revisionOf, type Environment } from "../model/environment.js";
import { idleDeadline, type DeadlineRules } from "../model/deadline.js";
import { idlePodName } from "../model/names.js";
import { buildPod, type PodSettings } from "../model/pod.js";
import { planPool } from "../model/pool.js";
import { viewOf, type IdlePod } from "../model/sandbox.js";
import type { Arrivals } from "./arrivals.js";
import type { Directory } from "./directory.js";
import type { Environments } from "./environments.js";
import type { Metrics } from "./metrics.js";
import type { PodTimes } from "./pod-times.js";
import type { PoolSizes } from "./pool-sizes.js";
import type { Services } from "./services.js";
import type { Tokens } from "./tokens.js";

/** What keeping pools needs. */
export interface PoolParts {
  readonly namespace: Namespace;
  readonly pods: WatchCache<V1Pod>;
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly environments: Environments;
  readonly sizes: Pick<PoolSizes, "size">;
  readonly services: Services;
  readonly tokens: Tokens;
  readonly metrics: Metrics;
  readonly times: PodTimes;
  readonly settings: PoolSettings;
  readonly leads: () => boolean;
  /** Whether the cluster is drained, so that its pools are to end. */
  readonly drained: () => boolean;
  /** Whether claims are under way that new pods would slow down. */
  readonly claiming: () => boolean;
  readonly onTrouble: (environment: string, error: unknown) => void;
}

/** How pools are kept. */
export interface PoolSettings extends PodSettings {
  readonly deadlines: DeadlineRules;
  readonly startSeconds: number;
  /** For each node: pods that start there slow each other and claims down, those of other nodes do not. */
  readonly maxStartingPerNode: number;
  readonly maxSandboxes: number;
}

/** A pause after the last claim: a burst of claims is served before the machine starts pods again; and the longest such pause. */
const quietMs = 150;
const longestQuietMs = 3_000;
/** For so long after a claim the next ones are expected: half as many pods start at once. */
const busyMs = 2_000;
const longestBackoffMs = 60_000;
/** How long a new pod's Service is tried for; its name is new, so nothing is in its way. */
const serviceMs = 1_000;

/** Keeps the pools. */
export class PoolKeeper {
  readonly #parts: PoolParts;
  readonly #creating = new Map<string, number>();
  readonly #deleting = new Set<string>();
  readonly #backoff = new Map<string, { failures: number; until: number }>();
  readonly #due = new Map<string, NodeJS.Timeout>();
  #claimedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    parts.directory.onIdleChange((environment, claimed) => {
      if (claimed) this.#claimedAt = performance.now();
      this.#soon(environment);
    });
    parts.environments.onChange((environment) => {
      this.#soon(environment);
    });
  }

  /** Looks at every pool; for what no event announces: age, a new leader, the end of a backoff. */
  keepAll(): void {
    const { environments, directory } = this.#parts;
    const names = new Set([...environments.all().map(({ name }) => name), ...directory.idleEnvironments()]);
    for (const name of names) if (!this.#due.has(name)) this.#keep(name);
  }

  /** Pools that change from here on are another replica's to look at. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#due.values()) clearTimeout(timer);
    this.#due.clear();
  }

  /** Looks at a pool once what else happens at this moment is known, and no claims are under way. */
  #soon(environment: string, latest = performance.now() + longestQuietMs): void {
    if (this.#stopped || this.#due.has(environment)) return;
    const look = (): void => {
      this.#due.delete(environment);
      if (this.#sinceClaim() < quietMs && performance.now() < latest) this.#soon(environment, latest);
      else this.#keep(environment);
    };
    this.#due.set(environment, setTimeout(look, Math.max(0, quietMs - this.#sinceClaim())));
  }

  /** Milliseconds. */
  #sinceClaim(): number {
    return this.#parts.claiming() ? 0 : performance.now() - this.#claimedAt;
  }

  #keep(name: string): void {
    const { directory, arrivals, environments, sizes, settings, times, tokens, leads, drained } = this.#parts;
    // Also where another replica leads: this one may come to.
    const size = sizes.size(name);
    if (!leads() || !directory.current) return;
    const environment = environments.get(name);
    const creating = this.#creating.get(name) ?? 0;
    const pods = directory.idle(name).filter(({ podUid }) => !this.#deleting.has(podUid));
    this.#noteFailures(name, pods);
    const plan = planPool(
      // Nobody here can hand over what was made with a key that is not here: it is of no revision of ours.
      pods.map((pod) => (tokens.knows(pod) ? pod : { ...pod, revision: "" })),
      creating,
      settings.maxSandboxes - directory.count() - arrivals.count,
      {
        size: drained() ? 0 : size,
        revision: environment === undefined ? undefined : revisionOf(environment, settings),
        ...settings.deadlines,
        startSeconds: settings.startSeconds,
        maxStarting: this.#maxStarting(),
      },
      (pod) => times.idleAges(pod),
    );
    for (const pod of plan.remove) void this.#remove(name, pod);
    if (environment === undefined || performance.now() < (this.#backoff.get(name)?.until ?? 0)) return;
    for (let count = 0; count < plan.create; count += 1) void this.#create(environment);
  }

  #maxStarting(): number {
    const { directory, settings } = this.#parts;
    const share = this.#sinceClaim() < busyMs ? 1 / 2 : 1;
    // Where there is no pod yet, what there may be for one node tells where the next ones may go.
    return Math.ceil(settings.maxStartingPerNode * share) * Math.max(1, directory.nodes());
  }

  /** Pods that end by themselves, such as with a broken image, are not made again and again at full speed. */
  #noteFailures(name: string, pods: readonly IdlePod[]): void {
    if (pods.some(({ state }) => state === "failed")) this.#failed(name);
    else if (pods.some(({ state }) => state === "running")) this.#backoff.delete(name);
  }

  #failed(name: string): void {
    const failures = (this.#backoff.get(name)?.failures ?? 0) + 1;
    const wait = Math.min(longestBackoffMs, 500 * 2 ** failures);
    this.#backoff.set(name, { failures, until: performance.now() + wait });
  }

  async #create(environment: Environment): Promise<void> {
    const { namespace, pods, arrivals, services, tokens, metrics, settings, onTrouble } = this.#parts;
    const podName = idlePodName(environment.name);
    this.#creating.set(environment.name, (this.#creating.get(environment.name) ?? 0) + 1);
    try {
      const { keyId } = tokens;
      const claimSecret = tokens.claimSecret({ podName, keyId });
      const deadlineSeconds = idleDeadline(settings.deadlines);
      const request = { name: podName, environment, claimSecret, keyId, volumes: [], deadlineSeconds };
      const pod = await arrivals.of(async () => {
        const made = await namespace.createPod(buildPod(request, settings));
        pods.observe(made);
        return made;
      });
      metrics.poolCreated(environment.name);
      const view = viewOf(pod);
      if (view.kind !== "foreign") await services.ensure(view.pod, AbortSignal.timeout(serviceMs));
    } catch (error) {
      metrics.poolFailed(environment.name);
      this.#failed(environment.name);
      onTrouble(environment.name, error);
    } finally {
      this.#creating.set(environment.name, (this.#creating.get(environment.name) ?? 1) - 1);
    }
  }

  /** Deletes an idle pod, if it is still as we saw it: a claim that came in between must win. */
  async #remove(environment: string, pod: IdlePod): Promise<void> {
    const { namespace, metrics, onTrouble } = this.#parts;
    this.#deleting.add(pod.podUid);
    try {
      await namespace.deletePod(pod);
      metrics.poolRemoved(environment);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) onTrouble(environment, error);
    } finally {
      this.#deleting.delete(pod.podUid);
    }
  }
}
