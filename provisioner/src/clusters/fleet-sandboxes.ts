// Creating, finding, changing and deleting sandboxes of several clusters: finds the cluster, which does the rest.
import type { Readable } from "node:stream";

import type { Logger } from "pino";

import { clusterError } from "../core/cluster-errors.js";
import type { Created, CreateRequest } from "../core/creates.js";
import { isLive, rankKey } from "../core/directory.js";
import { full, notFound, SandboxError, unknownEnvironment } from "../core/errors.js";
import { isNone, untilSeen } from "../core/until-seen.js";
import type { NetworkRules } from "../model/network-rules.js";
import { placements, rankedSites } from "../model/placement.js";
import type { Sandbox } from "../model/sandbox.js";
import type { Cluster } from "./cluster.js";
import { comesBefore, type Fleet } from "./fleet.js";
import type { SandboxService } from "./front.js";

/** The sandboxes of a fleet. */
export class FleetSandboxes implements SandboxService {
  readonly #fleet: Fleet;
  readonly #log: Logger;
  /** Creates that are under way, so that two of the same id in one process are one after the other. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(fleet: Fleet, log: Logger) {
    this.#fleet = fleet;
    this.#log = log;
  }

  /** @throws SandboxError if it is not carried out. */
  async create(create: CreateRequest): Promise<Created> {
    const key = rankKey(create.request.tenant, create.request.id);
    // Whoever comes second finds what the first has made.
    for (let before = this.#underWay.get(key); before !== undefined; before = this.#underWay.get(key))
      await before.catch(() => undefined);
    const work = this.#create(create, key).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, work);
    return work;
  }

  /** @throws SandboxError if there is none, or if that cannot be known now. */
  get(tenant: string, id: string): Sandbox {
    return this.#known(tenant, id).sandbox;
  }

  /** The same, but this replica has a moment to see what another one has just made. @throws SandboxError as {@link get} */
  async find(tenant: string, id: string): Promise<Sandbox> {
    if (isNone(this.#fleet.locate(tenant, id)?.sandbox)) await untilSeen(this.#fleet.directory, tenant, id);
    const { cluster, sandbox } = this.#known(tenant, id);
    return cluster.sandboxes.asked(sandbox);
  }

  /**
   * A tenant's sandboxes, by id; those of a lost cluster as they were seen last.
   * @throws SandboxError if a cluster was never read: a list that lacks its sandboxes would say that they are gone.
   */
  list(tenant: string): Sandbox[] {
    if (this.#fleet.clusters.some(({ read }) => !read)) throw unseen();
    return this.#fleet.clusters
      .flatMap(({ sandboxes }) => sandboxes.list(tenant))
      .filter((one) => this.#fleet.locate(tenant, one.id)?.sandbox.podUid === one.podUid)
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /** Deletes it, wherever it is; whether there was one. @throws SandboxError if a cluster that may have it cannot be asked. */
  async delete(tenant: string, id: string): Promise<boolean> {
    const { clusters } = this.#fleet;
    const having = clusters.filter(({ directory }) => !isNone(directory.get(tenant, id)));
    const asked = having.length > 0 ? having : clusters;
    const answers = await askSeen(asked, ({ sandboxes }) => sandboxes.delete(tenant, id));
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
    return answers.some((answer) => answer.status === "fulfilled" && answer.value);
  }

  /** The UID of its pod, wherever that is. @throws SandboxError if a cluster that may have it cannot be asked. */
  async present(tenant: string, id: string): Promise<string | undefined> {
    const answers = await askSeen(this.#fleet.clusters, ({ sandboxes }) => sandboxes.present(tenant, id));
    for (const answer of answers)
      if (answer.status === "fulfilled" && answer.value !== undefined) return answer.value;
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason;
    return undefined;
  }

  // Promises, and not exceptions, for what is wrong as well: as the cluster's own.
  async extend(tenant: string, id: string, seconds: number): Promise<Sandbox> {
    return this.#known(tenant, id).cluster.sandboxes.extend(tenant, id, seconds);
  }

  async setNetwork(tenant: string, id: string, change: Partial<NetworkRules>): Promise<Sandbox> {
    return this.#known(tenant, id).cluster.sandboxes.setNetwork(tenant, id, change);
  }

  async logs(tenant: string, id: string, tailLines: number, limitBytes: number): Promise<Readable> {
    return this.#known(tenant, id).cluster.sandboxes.logs(tenant, id, tailLines, limitBytes);
  }

  /** @throws SandboxError if there is none, or if that cannot be known now. */
  #known(tenant: string, id: string): { cluster: Cluster; sandbox: Sandbox } {
    const found = this.#fleet.locate(tenant, id);
    if (found === undefined && this.#fleet.blind) throw unseen();
    if (found === undefined || found.sandbox.state === "stopping") throw notFound();
    if (found.cluster.lost) throw unseen();
    return found;
  }

  async #create(create: CreateRequest, key: string): Promise<Created> {
    const { tenant, id } = create.request;
    const there = this.#fleet.locate(tenant, id);
    if (there !== undefined && isLive(there.sandbox)) {
      if (there.cluster.lost) throw unseen();
      return this.#in(there.cluster, create);
    }
    // A failed one makes way, wherever its successor comes. One that cannot be reached is left to the reaper: it never comes back.
    if (there?.sandbox.state === "failed" && this.#answers(there.cluster))
      await there.cluster.sandboxes.delete(tenant, id);
    if (create.fresh !== true) this.#refuseIfUnknown(create, key);

    const order = this.#order(create, key);
    for (const [i, cluster] of order.entries()) {
      try {
        const created = await this.#in(cluster, create);
        const { podName } = created.sandbox;
        this.#log.info({ sandbox: id, tenant, pod: podName, cluster: cluster.name }, "placed");
        return await this.#settled(cluster, create, created);
      } catch (error) {
        // Nothing was made where there was no room. After any other trouble something may have been: elsewhere it would be a second one.
        const noRoom = error instanceof SandboxError && error.code === "capacity";
        if (!noRoom || i === order.length - 1) throw error;
      }
    }
    throw full();
  }

  /**
   * A sandbox of this id may be in a cluster that does not answer: what we saw of it last does not have it, but others may have
   * made it since, and they would have made it in the id's home.
   * @throws SandboxError if that can be.
   */
  #refuseIfUnknown({ request }: CreateRequest, key: string): void {
    const { clusters } = this.#fleet;
    const shares = clusters
      .filter(({ share }) => !share.drain && share.weight > 0)
      .filter(({ environments }) => environments.get(request.environment) !== undefined)
      .map((cluster) => ({ cluster, name: cluster.name, weight: cluster.share.weight }));
    const home = rankedSites(key, shares)[0]?.cluster;
    if (clusters.every(({ read }) => read) && (home === undefined || this.#answers(home))) return;
    throw new SandboxError(
      "unavailable",
      "a cluster that may have a sandbox of this id does not answer; try again, or ask for a sandbox without an id",
    );
  }

  /** The clusters to try. @throws SandboxError if none has the environment, or none that has it answers. */
  #order({ request, volumes }: CreateRequest, key: string): Cluster[] {
    const having = this.#fleet.clusters.filter(
      ({ environments }) => environments.get(request.environment) !== undefined,
    );
    const taking = having.filter(({ share }) => !share.drain);
    const answering = taking.filter((cluster) => this.#answers(cluster));
    if (having.length === 0 && this.#fleet.clusters.every(({ read }) => read))
      throw unknownEnvironment(request.environment);
    if (answering.length === 0)
      throw new SandboxError(
        taking.length > 0 || having.length === 0 ? "unavailable" : "capacity",
        "no cluster that could have the sandbox takes one now; try again later",
      );
    const offers = answering.map((cluster) => {
      const environment = cluster.environments.get(request.environment);
      const fitting =
        volumes.length > 0 || environment === undefined ? [] : cluster.idleClaims.fitting(environment);
      return {
        ...{ cluster, name: cluster.name, weight: cluster.share.weight },
        idle: fitting.some(({ state }) => state === "running"),
        // Where no other pod may be made, one that is still starting is waited for.
        room: !cluster.reservations.full || fitting.some(({ state }) => state === "starting"),
      };
    });
    return placements(key, offers).map(({ cluster }) => cluster);
  }

  #answers(cluster: Cluster): boolean {
    return cluster.answers && !cluster.lost;
  }

  async #in(cluster: Cluster, create: CreateRequest): Promise<Created> {
    try {
      return await cluster.sandboxes.create(create);
    } catch (error) {
      // The next one need not wait as long to find out. Where it answered, in whatever way, it is there for others.
      if (clusterError(error)?.status === 0) cluster.noteSilence();
      throw error;
    }
  }

  /** Two replicas that saw different pods may have chosen different clusters: the later sandbox gives way. */
  async #settled(cluster: Cluster, create: CreateRequest, created: Created): Promise<Created> {
    const { tenant, id } = create.request;
    const other = this.#fleet.clusters
      .filter((one) => one !== cluster && one.watched)
      .map((one) => ({ cluster: one, sandbox: one.directory.get(tenant, id) }))
      .find(
        ({ sandbox }) => sandbox !== undefined && isLive(sandbox) && comesBefore(sandbox, created.sandbox),
      );
    if (other === undefined || created.existed) return created;
    await cluster.sandboxes.delete(tenant, id);
    return { ...(await this.#in(other.cluster, create)), existed: true };
  }
}

/** Asks each cluster; one that cannot be seen is not asked, and is a question that failed. */
function askSeen<T>(
  clusters: readonly Cluster[],
  question: (cluster: Cluster) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(
    clusters.map(async (cluster) => {
      if (!cluster.read || cluster.lost) throw unseen();
      return question(cluster);
    }),
  );
}

function unseen(): SandboxError {
  return new SandboxError(
    "unavailable",
    "a cluster that may have the sandbox cannot be watched at the moment; try again",
  );
}
