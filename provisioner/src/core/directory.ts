// What there is, by id and by environment: an index over the copies of pods and Services.
import type { V1Pod, V1Service } from "@kubernetes/client-node";

import { numberOf, type WatchCache } from "../kubernetes/watch-cache.js";
import { viewOf, type IdlePod, type PodView, type Sandbox } from "../model/sandbox.js";

/** Told of every change of a sandbox. */
export type SandboxListener = (sandbox: Sandbox, gone: boolean) => void;

/** Told of the environment whose pool changed, and whether that was a claim. */
export type IdleListener = (environment: string, claimed: boolean) => void;

/** The part that others need. */
export interface SandboxDirectory {
  get(tenant: string, id: string): Sandbox | undefined;
  withId(id: string): readonly Sandbox[];
  onChange(listener: SandboxListener): () => void;
}

/** How well the cluster is seen. */
export interface Sight {
  /** Whether what is seen is what is, at this moment. */
  readonly watched: boolean;
  /** Whether that was so long ago that nothing that was seen counts any more. */
  readonly lost: boolean;
}

/** Pods and Services, understood. */
export class Directory implements SandboxDirectory {
  readonly #pods: WatchCache<V1Pod>;
  readonly #services: WatchCache<V1Service> | undefined;
  readonly #sight: Sight;
  readonly #views = new Map<string, PodView>();
  readonly #byId = new Map<string, Map<string, Sandbox>>();
  readonly #byTenant = new Map<string, Map<string, Sandbox>>();
  readonly #byEnvironment = new Map<string, Map<string, Sandbox>>();
  readonly #idle = new Map<string, Map<string, IdlePod>>();
  readonly #sandboxListeners = new Set<SandboxListener>();
  readonly #idleListeners = new Set<IdleListener>();
  /** Pods that answered us before the kubelet said that they are Ready. */
  readonly #answering = new Set<string>();
  /** The version with which each pod was first seen to be somebody's: that of its claim, if we were there. */
  readonly #claimed = new Map<string, bigint>();
  /** Pods of ours that are neither over nor being deleted: asked for by every create. */
  #count = 0;

  constructor(pods: WatchCache<V1Pod>, services: WatchCache<V1Service> | undefined, sight: Sight) {
    this.#pods = pods;
    this.#services = services;
    this.#sight = sight;
    pods.onChange((pod, gone) => {
      this.#update(pod, gone);
    });
  }

  /** Whether what we see is what is. */
  get current(): boolean {
    return this.#pods.connected && (this.#services?.connected ?? true);
  }

  /**
   * Whether it cannot be known how it stands with a sandbox, because the cluster is lost; without one: whether what is not seen
   * may be there all the same.
   */
  unsure(sandbox?: Pick<Sandbox, "podUid">): boolean {
    return sandbox === undefined ? !this.#sight.watched : this.#sight.lost;
  }

  get(tenant: string, id: string): Sandbox | undefined {
    const pods = this.#byId.get(id);
    if (pods === undefined) return undefined;
    return this.#winner([...pods.values()].filter((one) => one.tenant === tenant));
  }

  withId(id: string): readonly Sandbox[] {
    return [...(this.#byId.get(id)?.values() ?? [])].map((one) => this.#seen(one));
  }

  /** Every pod that is somebody's, of all tenants, those that are stopping among them. */
  sandboxes(): Sandbox[] {
    const all: Sandbox[] = [];
    for (const pods of this.#byId.values()) for (const one of pods.values()) all.push(this.#seen(one));
    return all;
  }

  /** The same of one tenant. */
  ofTenant(tenant: string): Sandbox[] {
    return [...(this.#byTenant.get(tenant)?.values() ?? [])].map((one) => this.#seen(one));
  }

  /** Live sandboxes that stand in the way of another one with their id: two replicas claimed it at the same moment. */
  duplicates(): Sandbox[] {
    const several = [...this.#byId.values()].filter(({ size }) => size > 1);
    const live = several.flatMap((pods) => [...pods.values()].map((one) => this.#seen(one))).filter(isLive);
    return live.filter((one) => this.get(one.tenant, one.id)?.podUid !== one.podUid);
  }

  /** The members of a pool. */
  idle(environment: string): IdlePod[] {
    return [...(this.#idle.get(environment)?.values() ?? [])];
  }

  /** How many live sandboxes of an environment came from its pool, or would have if there had been an idle pod. */
  inUse(environment: string): number {
    let count = 0;
    for (const one of this.#byEnvironment.get(environment)?.values() ?? [])
      if (isLive(one) && !one.madeToOrder) count += 1;
    return count;
  }

  /** Environments that have idle pods, defined or not. */
  idleEnvironments(): string[] {
    return [...this.#idle.keys()];
  }

  /** How many pods there are that are neither being deleted nor failed: those use nothing but their names. */
  count(): number {
    return this.#count;
  }

  /** How many nodes have pods of ours. */
  nodes(): number {
    const nodes = new Set<string>();
    for (const { spec } of this.#pods.values()) if (spec?.nodeName !== undefined) nodes.add(spec.nodeName);
    return nodes.size;
  }

  onChange(listener: SandboxListener): () => void {
    this.#sandboxListeners.add(listener);
    return () => this.#sandboxListeners.delete(listener);
  }

  onIdleChange(listener: IdleListener): () => void {
    this.#idleListeners.add(listener);
    return () => this.#idleListeners.delete(listener);
  }

  /** Notes that a sandbox answered us, which is more than a probe that has yet to come. */
  markAnswering(podUid: string): void {
    this.#answering.add(podUid);
  }

  /** Of several that were claimed for one id at the same moment, the first: whoever claimed the others gives way to it. */
  #winner(candidates: readonly Sandbox[]): Sandbox | undefined {
    // As nearly always, and for each of a list.
    if (candidates.length <= 1) return candidates[0] && this.#seen(candidates[0]);
    const live = candidates.filter(isLive);
    const [first] = (live.length > 0 ? live : candidates).toSorted((one, other) =>
      this.#claimOf(one) < this.#claimOf(other) ? -1 : 1,
    );
    return first && this.#seen(first);
  }

  #claimOf({ podUid }: Sandbox): bigint {
    return this.#claimed.get(podUid) ?? 0n;
  }

  #seen(sandbox: Sandbox): Sandbox {
    return sandbox.state === "starting" && sandbox.podIP !== undefined && this.#answering.has(sandbox.podUid)
      ? { ...sandbox, state: "running", everReady: true }
      : sandbox;
  }

  #update(pod: V1Pod, gone: boolean): void {
    const name = pod.metadata?.name ?? "";
    const before = this.#views.get(name);
    if (before?.kind === "idle") remove(this.#idle, before.pod.environment, name);
    if (before?.kind === "sandbox") {
      remove(this.#byId, before.pod.id, name);
      remove(this.#byTenant, before.pod.tenant, name);
      remove(this.#byEnvironment, before.pod.environment, name);
    }
    if (before !== undefined && counts(before)) this.#count -= 1;
    const view = viewOf(pod);
    if (gone) {
      this.#views.delete(name);
      this.#claimed.delete(pod.metadata?.uid ?? "");
    } else {
      this.#views.set(name, view);
      if (counts(view)) this.#count += 1;
      if (view.kind === "idle") insert(this.#idle, view.pod.environment, name, view.pod);
      if (view.kind === "sandbox") {
        insert(this.#byId, view.pod.id, name, view.pod);
        insert(this.#byTenant, view.pod.tenant, name, view.pod);
        insert(this.#byEnvironment, view.pod.environment, name, view.pod);
        if (!this.#claimed.has(view.pod.podUid))
          this.#claimed.set(view.pod.podUid, numberOf(view.pod.resourceVersion));
      }
    }
    // Once the kubelet knows better than we do, what we noted is of no more use.
    if (view.kind === "foreign" || gone || view.pod.everReady || view.pod.state !== "starting")
      this.#answering.delete(pod.metadata?.uid ?? "");
    if (view.kind === "sandbox")
      for (const listener of this.#sandboxListeners) listener(this.#seen(view.pod), gone);
    const pools = new Set(
      [before, view].flatMap((one) => (one?.kind === "idle" ? [one.pod.environment] : [])),
    );
    const claimed = before?.kind === "idle" && view.kind === "sandbox";
    for (const environment of pools)
      for (const listener of this.#idleListeners) listener(environment, claimed);
  }
}

/** What replicas rank pods by for one sandbox: all replicas try the same one first. */
export function rankKey(tenant: string, id: string): string {
  return `${tenant}/${id}`;
}

/** Whether it is there for its owner. */
export function isLive({ state }: Sandbox): boolean {
  return state === "starting" || state === "running";
}

function counts(view: PodView): boolean {
  return view.kind !== "foreign" && view.pod.state !== "stopping" && view.pod.state !== "failed";
}

function insert<T>(index: Map<string, Map<string, T>>, key: string, name: string, value: T): void {
  let inner = index.get(key);
  if (inner === undefined) index.set(key, (inner = new Map<string, T>()));
  inner.set(name, value);
}

function remove<T>(index: Map<string, Map<string, T>>, key: string, name: string): void {
  const inner = index.get(key);
  inner?.delete(name);
  if (inner?.size === 0) index.delete(key);
}
