// One cluster: all that belongs to it and to no other, and what runs in the background for it.
import { setTimeout as sleep } from "node:timers/promises";

import type { CoreV1Event, V1ConfigMap, V1Pod, V1Service } from "@kubernetes/client-node";
import type { Logger } from "pino";

import type { ClusterShare } from "../config/clusters.js";
import type { Settings } from "../config/settings.js";
import { ActivityLog, flushEveryMs } from "../core/activity.js";
import { Arrivals } from "../core/arrivals.js";
import { ColdStarts } from "../core/cold-starts.js";
import type { Connections } from "../core/connections.js";
import { Creates } from "../core/creates.js";
import { Directory } from "../core/directory.js";
import { Endpoints } from "../core/endpoints.js";
import { Environments } from "../core/environments.js";
import { HandOverClient } from "../core/hand-over.js";
import { HandingOver } from "../core/handing-over.js";
import { IdleClaims } from "../core/idle-claims.js";
import type { Metrics } from "../core/metrics.js";
import { PodTimes } from "../core/pod-times.js";
import { PoolKeeper } from "../core/pool-keeper.js";
import { PoolSizes } from "../core/pool-sizes.js";
import { ProxyAddress } from "../core/proxy-address.js";
import type { Use } from "../core/quota.js";
import { Reaper } from "../core/reaper.js";
import { RefusalNotices } from "../core/refusals.js";
import { Reservations } from "../core/reservations.js";
import { SandboxPods } from "../core/sandbox-pods.js";
import { Sandboxes } from "../core/sandboxes.js";
import { Services } from "../core/services.js";
import { Settling } from "../core/settling.js";
import { correctTimes } from "../core/time-corrections.js";
import type { Tokens } from "../core/tokens.js";
import { WarmConnections } from "../core/warm-connections.js";
import { isTrouble, KubernetesClient, KubernetesError } from "../kubernetes/client.js";
import type { Connection } from "../kubernetes/connection.js";
import { ClusterClock, type TimeSource } from "../kubernetes/clock.js";
import { Leader } from "../kubernetes/leader.js";
import { Namespace } from "../kubernetes/namespace.js";
import { slimPod } from "../kubernetes/slim.js";
import { WatchCache, type KubernetesObject, type WatchEvents } from "../kubernetes/watch-cache.js";
import { environmentOfImage } from "../model/environment.js";
import { ENVIRONMENT, managedSelector, refusalSelector } from "../model/labels.js";
import type { Sandbox } from "../model/sandbox.js";
import { mostFailed } from "../model/timeouts.js";
import { every } from "./every.js";

/** What a cluster is made from. */
export interface ClusterOptions {
  readonly name: string;
  readonly share: ClusterShare;
  /** Those of this cluster: namespace, host of its nodes, most pods. */
  readonly settings: Settings;
  readonly connection: Connection;
  readonly tokens: Tokens;
  readonly connections: Connections;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** @default - this machine's */
  readonly time?: TimeSource | undefined;
  /** What this replica is called in the Lease. */
  readonly identity: string;
  /** What a tenant uses in other clusters. */
  readonly elsewhere: (tenant: string) => readonly Use[];
  /** Live sandboxes of this cluster whose id another sandbox has, in whatever cluster, that comes before them. */
  readonly duplicates: (cluster: Cluster) => readonly Sandbox[];
}

const reapEveryMs = 1_000;
const keepEveryMs = 1_000;
const correctEveryMs = 1_000;
const lookEveryMs = 500;

/** How long the last activity may take to be written: a replica that ends has few seconds left (components/provisioner/pod.ts). */
const lastFlushMs = 3_000;

/** A watch that ends in order is opened again at once: only what lasts longer means something. */
const blinkMs = 3_000;

/** One cluster. */
export class Cluster {
  readonly name: string;
  readonly directory: Directory;
  readonly environments: Environments;
  readonly poolSizes: PoolSizes;
  readonly endpoints: Endpoints;
  readonly sandboxes: Sandboxes;
  readonly reservations: Reservations;
  readonly idleClaims: IdleClaims;
  readonly refusals: RefusalNotices;
  readonly activity: ActivityLog;
  readonly leader: Leader;
  /** What it gets of new sandboxes; may be changed at any time. */
  share: ClusterShare;
  readonly #options: ClusterOptions;
  readonly #client: KubernetesClient;
  readonly #namespace: Namespace;
  readonly #caches: WatchCache<KubernetesObject>[];
  readonly #refusalEvents: WatchCache<CoreV1Event> | undefined;
  readonly #times: PodTimes;
  readonly #services: Services;
  readonly #handOver: HandOverClient;
  readonly #warm: WarmConnections;
  readonly #pools: PoolKeeper;
  readonly #reaper: Reaper;
  readonly #running: Promise<void>[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #flushing: NodeJS.Timeout | undefined;
  #read = false;
  #retired = false;
  #silent = false;
  #away = false;
  #watchedAt = performance.now();

  constructor(options: ClusterOptions) {
    const { settings, tokens, metrics, log, identity } = options;
    this.#options = options;
    this.name = options.name;
    this.share = options.share;
    const clock = new ClusterClock(options.time, (seconds) => {
      log.warn({ seconds }, "our clock is ahead of the API server's by so much: the API server's is used");
    });
    this.#client = new KubernetesClient(
      options.connection,
      (method, path, status, seconds) => {
        metrics.kubernetesRequest(method, path, status, seconds);
      },
      clock,
    );
    const namespace = new Namespace(
      this.#client,
      settings.K8S_NAMESPACE,
      settings.API_PATIENCE_SECONDS * 1000,
    );
    this.#namespace = namespace;

    const watchEvents: WatchEvents = {
      onTrouble: ({ path }, error) => {
        metrics.watchTrouble(path);
        log.warn({ path, err: error }, "a watch was cut");
      },
      onList: ({ path }) => {
        metrics.listed(path);
      },
    };
    const watch = <T extends KubernetesObject>(
      path: string,
      labelSelector: string,
      slim?: (object: T) => T,
    ): WatchCache<T> => new WatchCache<T>(this.#client, { path, labelSelector }, watchEvents, slim);
    const pods = watch<V1Pod>(namespace.pods, managedSelector, slimPod);
    const serviceCache =
      settings.SANDBOX_SERVICE_TYPE === "Router"
        ? undefined
        : watch<V1Service>(namespace.services, managedSelector);
    const configMaps = watch<V1ConfigMap>(namespace.configMaps, ENVIRONMENT);
    this.#caches = [pods, configMaps, ...(serviceCache === undefined ? [] : [serviceCache])];
    // Nothing waits for it: without a proxy there are none, and without the right to see them only these notices are missing.
    this.#refusalEvents =
      settings.EGRESS_PROXY_URL === undefined
        ? undefined
        : watch<CoreV1Event>(namespace.events, refusalSelector);
    this.refusals = new RefusalNotices(this.#refusalEvents);

    const builtIn =
      settings.SANDBOX_IMAGE === undefined
        ? undefined
        : environmentOfImage(settings.DEFAULT_ENVIRONMENT, settings.SANDBOX_IMAGE);
    const environments = new Environments(configMaps, builtIn, (configMap, why) => {
      log.error({ configMap, why }, "a ConfigMap is no environment");
    });
    const directory = new Directory(pods, serviceCache, this);
    const arrivals = new Arrivals();
    const services = new Services(namespace, settings.SANDBOX_SERVICE_TYPE, serviceCache);
    const endpoints = new Endpoints({
      ...{ settings, tokens, inCluster: options.connection.inCluster },
      serviceOf: (pod) => services.of(pod),
    });
    // Of idle pods as well, which the router knows nothing of.
    pods.onChange(({ metadata }, gone) => {
      if (gone) options.connections.end(metadata?.uid ?? "");
    });
    const handOver = new HandOverClient(options.connections);
    this.#handOver = handOver;
    const times = new PodTimes(pods, clock);
    const activity = new ActivityLog(directory, times, clock);
    this.#times = times;
    this.environments = environments;
    this.directory = directory;
    this.poolSizes = new PoolSizes({ directory, environments });
    this.endpoints = endpoints;
    this.activity = activity;
    this.#services = services;
    this.#warm = new WarmConnections({ directory, endpoints, handOver, tokens });
    const podSettings = {
      namespace: settings.K8S_NAMESPACE,
      port: settings.SANDBOX_CONTAINER_PORT,
      serviceAccountName: settings.SANDBOX_SERVICE_ACCOUNT,
      server: settings.SANDBOX_SERVER,
    };
    const proxyAddress =
      settings.EGRESS_PROXY_URL === undefined
        ? undefined
        : new ProxyAddress(this.#client, settings.EGRESS_PROXY_URL, settings.API_PATIENCE_SECONDS * 1000);
    const sandboxPods = new SandboxPods(namespace, pods, times);
    const reservations = new Reservations({
      ...{ directory, arrivals, sandboxPods },
      elsewhere: options.elsewhere,
      maxSandboxes: settings.MAX_SANDBOXES,
    });
    const handingOver = new HandingOver({
      pods,
      sandboxPods,
      directory,
      endpoints,
      tokens,
      handOver,
      proxyAddress,
    });
    const settling = new Settling({
      ...{ pods, sandboxPods, directory, services, tokens, handingOver },
      startTimeoutSeconds: settings.START_TIMEOUT_SECONDS,
    });
    const idleClaims = new IdleClaims({
      ...{ namespace, pods, sandboxPods, directory, environments, services, tokens, times, clock, metrics },
      ...{ reservations, handingOver, settling },
      settings: podSettings,
    });
    const coldStarts = new ColdStarts({
      ...{ namespace, pods, sandboxPods, directory, arrivals, services, tokens, clock, settling },
      settings: podSettings,
    });
    const creates = new Creates({
      ...{ directory, environments, tokens, metrics, sandboxPods, proxyAddress },
      ...{ reservations, settling, idleClaims, coldStarts },
      settings: {
        server: settings.SANDBOX_SERVER,
        readyTimeoutSeconds: settings.READY_TIMEOUT_SECONDS,
      },
    });
    this.reservations = reservations;
    this.idleClaims = idleClaims;
    this.sandboxes = new Sandboxes({
      ...{ namespace, pods, sandboxPods, directory, endpoints, tokens, handOver, clock, times, creates },
      proxyAddress,
    });
    this.leader = new Leader(namespace, identity, {
      onElected: () => {
        log.info({ identity }, "leads");
        this.#pools.keepAll();
      },
      onAnswer: () => {
        this.#silent = false;
      },
      onTrouble: (error) => {
        this.#silent = error instanceof KubernetesError && isTrouble(error);
        log.warn({ err: error }, "the Lease cannot be held");
      },
    });
    this.#pools = new PoolKeeper({
      ...{ namespace, pods, directory, arrivals, environments, services, tokens, metrics, times },
      sizes: this.poolSizes,
      settings: {
        ...podSettings,
        deadlines: {
          hardSeconds: settings.HARD_TIMEOUT_SECONDS,
          maxAgeSeconds: settings.POOL_MAX_AGE_SECONDS,
        },
        startSeconds: settings.START_TIMEOUT_SECONDS,
        maxStartingPerNode: settings.POOL_MAX_STARTING,
        maxSandboxes: settings.MAX_SANDBOXES,
      },
      leads: () => this.leader.leads,
      drained: () => this.share.drain,
      claiming: () => idleClaims.underWay,
      onTrouble: (environment, error) => {
        log.warn({ environment, err: error }, "the pool cannot be kept");
      },
    });
    this.#reaper = new Reaper({
      ...{ namespace, directory, activity, endpoints, handOver, tokens, metrics },
      rules: { failedSeconds: settings.FAILED_SECONDS, startSeconds: settings.START_TIMEOUT_SECONDS },
      mostFailed: mostFailed(settings.SANDBOX_SERVICE_TYPE !== "Router"),
      duplicates: () => options.duplicates(this),
      handedOver: (sandbox) => handingOver.isDone(sandbox),
      onReaped: ({ id, tenant, podName }, reason) => {
        log.info({ sandbox: id, tenant, pod: podName, reason }, "reaped");
      },
      onTrouble: ({ id, podName }, error) => {
        log.warn({ sandbox: id, pod: podName, err: error }, "cannot be reaped");
      },
    });
  }

  /** Whether it was read once, so that what is not seen was not there at some time. */
  get read(): boolean {
    return this.#read;
  }

  /** Whether what we see is what is, at this moment. */
  get watched(): boolean {
    const watched = this.#read && this.directory.current && !this.#silent;
    if (watched) this.#watchedAt = performance.now();
    return watched;
  }

  /** Whether it is worth being asked for a new sandbox: it answers, and its watch is at most being opened again. */
  get answers(): boolean {
    return this.watched || (this.#read && !this.#silent && this.unwatchedMs < blinkMs);
  }

  /** For how long it could not be watched. Milliseconds. */
  get unwatchedMs(): number {
    return this.watched ? 0 : performance.now() - this.#watchedAt;
  }

  /** Whether it has been out of sight for so long that nothing we saw of it counts any more. */
  get lost(): boolean {
    return this.unwatchedMs > this.#options.settings.CLUSTER_LOST_SECONDS * 1000;
  }

  /** Takes it that the API server does not answer, until it does. */
  noteSilence(): void {
    this.#silent = true;
  }

  /** Begins to follow the cluster; settled when it was read. Tells nobody of an API server that does not answer: it is waited for. */
  async start(): Promise<void> {
    const { log, settings, identity } = this.#options;
    this.#running.push(...this.#caches.map((cache) => cache.run()));
    if (this.#refusalEvents !== undefined) this.#running.push(this.#refusalEvents.run());
    await Promise.all(this.#caches.map((cache) => cache.synced));
    if (this.#retired) return;
    this.#read = true;
    this.#running.push(this.leader.run());
    this.#timers.push(
      every(reapEveryMs, log, async () => {
        if (this.leader.leads && this.directory.current) await this.#reaper.reap();
      }),
      every(keepEveryMs, log, async () => {
        this.#pools.keepAll();
        this.#warm.keepAll();
        if (this.leader.leads) await this.#services.repair(allPods(this.directory));
      }),
      every(correctEveryMs, log, async () => {
        if (!this.leader.leads || !this.directory.current) return;
        const count = await correctTimes(this.#namespace, this.directory, this.#times);
        if (count > 0)
          log.warn({ count }, "the cluster's clock was set: times of sandboxes were written anew");
      }),
      setInterval(() => {
        this.#look();
      }, lookEveryMs),
    );
    this.#flushing = every(flushEveryMs, log, () => this.activity.flush(this.#namespace));
    log.info({ identity, namespace: settings.K8S_NAMESPACE, urls: settings.SANDBOX_SERVICE_TYPE }, "started");
  }

  /** Since when it is not watched has to be known before somebody asks; and whoever keeps the cluster wants to hear of it. */
  #look(): void {
    const { log } = this.#options;
    const away = this.unwatchedMs > blinkMs;
    if (away === this.#away) return;
    this.#away = away;
    if (away) log.warn("the cluster cannot be watched");
    else log.info("the cluster is watched again");
  }

  /** Ends what runs in the background. Another replica leads from here on, while requests that are under way still end here. */
  async retire(): Promise<void> {
    this.#retired = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#pools.stop();
    await this.leader.stop().catch((error: unknown) => {
      this.#options.log.warn({ err: error }, "the Lease could not be given back");
    });
  }

  /** Ends the rest, after {@link retire}, within seconds even if the API server does not answer. */
  async end(): Promise<void> {
    // Until here: sandboxes that are used through a replica that is ending are in use, and another one reaps.
    clearInterval(this.#flushing);
    const late = sleep(lastFlushMs, undefined, { ref: false });
    await Promise.race([this.activity.flushAll(this.#namespace), late]);
    for (const cache of this.#caches) cache.stop();
    this.#refusalEvents?.stop();
    // Before what runs is waited for: it may be waiting for an answer.
    await Promise.all([this.#client.close(), this.#handOver.close()]);
    await Promise.all(this.#running);
  }
}

function allPods(directory: Directory) {
  return [...directory.sandboxes(), ...directory.idleEnvironments().flatMap((name) => directory.idle(name))];
}
