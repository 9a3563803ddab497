// Several clusters as one: where a sandbox is, and what there is in all of them together.
import type { Activity } from "../core/activity.js";
import { isLive } from "../core/directory.js";
import type { Use } from "../core/quota.js";
import type { Environment } from "../model/environment.js";
import { together } from "../model/pool-size.js";
import type { Sandbox } from "../model/sandbox.js";
import type { Cluster } from "./cluster.js";
import type { Front, FrontDirectory } from "./front.js";

/** A sandbox, and where it is. */
export interface Located {
  readonly cluster: Cluster;
  readonly sandbox: Sandbox;
}

/** The clusters. */
export class Fleet implements Omit<Front, "sandboxes"> {
  readonly #clusters: Cluster[] = [];
  /** The cluster of each sandbox, by its pod's UID. */
  readonly #homes = new Map<string, Cluster>();

  /** Takes a cluster in, before it is started. */
  add(cluster: Cluster): void {
    this.#clusters.push(cluster);
    cluster.directory.onChange(({ podUid }, gone) => {
      if (gone) this.#homes.delete(podUid);
      else this.#homes.set(podUid, cluster);
    });
  }

  get clusters(): readonly Cluster[] {
    return this.#clusters;
  }

  /** Whether what is not seen may be there all the same. */
  get blind(): boolean {
    return this.#clusters.some((cluster) => !cluster.watched);
  }

  /** The sandbox that an id stands for. */
  locate(tenant: string, id: string): Located | undefined {
    const found = this.#clusters.flatMap((cluster) => {
      const sandbox = cluster.directory.get(tenant, id);
      return sandbox === undefined ? [] : [{ cluster, sandbox }];
    });
    return found.length <= 1
      ? found[0]
      : found.sort(
          (one, other) =>
            Number(isLive(other.sandbox)) - Number(isLive(one.sandbox)) ||
            Number(one.cluster.lost) - Number(other.cluster.lost) ||
            (comesBefore(one.sandbox, other.sandbox) ? -1 : 1),
        )[0];
  }

  /** Live sandboxes of a cluster that stand in the way of another one with their id, there or elsewhere. */
  duplicatesIn(cluster: Cluster): Sandbox[] {
    // What was seen of a cluster that is not watched may be over: nothing is deleted for its sake.
    const others = this.#clusters.filter((other) => other !== cluster && other.watched);
    const elsewhere = cluster.directory.sandboxes().filter(
      (own) =>
        isLive(own) &&
        others.some(({ directory }) => {
          const other = directory.get(own.tenant, own.id);
          return (
            other !== undefined && other.podUid !== own.podUid && isLive(other) && comesBefore(other, own)
          );
        }),
    );
    return [...cluster.directory.duplicates(), ...elsewhere];
  }

  /** What a tenant uses in all clusters but one; those that are lost count as they were last seen. */
  usesBeside(cluster: Cluster, tenant: string): Use[] {
    return this.#clusters
      .filter((other) => other !== cluster)
      .flatMap(({ reservations }) => reservations.usesOf(tenant));
  }

  readonly directory: FrontDirectory = {
    get: (tenant, id) => this.locate(tenant, id)?.sandbox,
    withId: (id) => this.#clusters.flatMap(({ directory }) => directory.withId(id)),
    onChange: (listener) => {
      const offs = this.#clusters.map(({ directory }) => directory.onChange(listener));
      return () => {
        for (const off of offs) off();
      };
    },
    unsure: (sandbox) => {
      if (sandbox === undefined) return this.blind;
      const home = this.#homes.get(sandbox.podUid);
      return home?.lost === true;
    },
  };

  readonly environments: Front["environments"] = {
    /** By name; the first cluster that has it says what it is, and all that are not drained add their pools. */
    all: () => {
      const merged = new Map<string, Environment>();
      for (const { environments, share } of this.#clusters)
        for (const one of environments.all()) {
          const before = merged.get(one.name);
          const pool = share.drain ? { size: 0 } : one.pool;
          merged.set(one.name, { ...(before ?? one), pool: before ? together(before.pool, pool) : pool });
        }
      return [...merged.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
    },
  };

  readonly poolSizes: Front["poolSizes"] = {
    size: (environment) =>
      this.#clusters
        .filter(({ share }) => !share.drain)
        .reduce((sum, { poolSizes }) => sum + poolSizes.size(environment), 0),
  };

  readonly idleClaims: Front["idleClaims"] = {
    ready: (environment) =>
      this.#clusters.reduce((sum, { idleClaims }) => sum + idleClaims.ready(environment), 0),
  };

  readonly endpoints: Front["endpoints"] = {
    url: (sandbox, inPath) => this.#homes.get(sandbox.podUid)?.endpoints.url(sandbox, inPath),
    way: (sandbox, port) => this.#homes.get(sandbox.podUid)?.endpoints.way(sandbox, port),
    // Hosts are this service's own, whatever the cluster.
    hostUrl: (sandbox) => this.#clusters[0]?.endpoints.hostUrl(sandbox),
  };

  readonly refusals: Front["refusals"] = {
    onRefusal: (podUid, listener) =>
      this.#homes.get(podUid)?.refusals.onRefusal(podUid, listener) ?? (() => undefined),
  };

  readonly activity: Activity = {
    touch: (sandbox) => this.#homes.get(sandbox.podUid)?.activity.touch(sandbox),
  };
}

/** Of two sandboxes of one id, the one that was there first is it: somebody may have used it since. All replicas read the same. */
export function comesBefore(one: Sandbox, other: Sandbox): boolean {
  const [first, second] = [one.claimedAt.getTime(), other.claimedAt.getTime()];
  return first === second ? one.podUid < other.podUid : first < second;
}
