// The provisioner as a whole: puts the parts together, runs what runs in the background, and ends in order.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

import type { CoreV1Event, V1ConfigMap, V1Pod, V1Service } from "@kubernetes/client-node";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";

import { SettingsError } from "./config/errors.js";
import { Keys } from "./config/keys.js";
import type { Settings } from "./config/settings.js";
import { ActivityLog } from "./core/activity.js";
import { Arrivals } from "./core/arrivals.js";
import { Directory } from "./core/directory.js";
import { Endpoints } from "./core/endpoints.js";
import { Environments } from "./core/environments.js";
import { HandOverClient } from "./core/hand-over.js";
import { Metrics } from "./core/metrics.js";
import { PoolKeeper } from "./core/pool-keeper.js";
import { Reaper } from "./core/reaper.js";
import { RefusalNotices } from "./core/refusals.js";
import { Sandboxes } from "./core/sandboxes.js";
import { Services } from "./core/services.js";
import { Tokens } from "./core/tokens.js";
import { WarmConnections } from "./core/warm-connections.js";
import { EventStreams } from "./http/events.js";
import { RateLimits } from "./http/rate-limits.js";
import { buildServer } from "./http/server.js";
import { KubernetesClient } from "./kubernetes/client.js";
import { connect, type Connection } from "./kubernetes/connection.js";
import { Leader } from "./kubernetes/leader.js";
import { Namespace } from "./kubernetes/namespace.js";
import { WatchCache, type KubernetesObject, type WatchEvents } from "./kubernetes/watch-cache.js";
import { environmentOfImage } from "./model/environment.js";
import { ENVIRONMENT, managedSelector, refusalSelector } from "./model/labels.js";

/** What `GET /openapi.json` calls this service's version. */
const version = "0.1.0";

const reapEveryMs = 1_000;
const keepEveryMs = 1_000;
const flushEveryMs = 5_000;

/** One running provisioner. */
export interface Provisioner {
  readonly app: FastifyInstance;
  /** Ends what runs in the background, then the server. */
  stop(): Promise<void>;
}

/**
 * Starts everything but listening.
 * @param connection the way to the API server, if it is not the one that the settings name
 * @throws SettingsError if something that it is told cannot be.
 */
export async function startProvisioner(
  settings: Settings,
  log: Logger,
  connection?: Connection,
): Promise<Provisioner> {
  const metrics = new Metrics();
  const tokens = await signingKey(settings);
  const keys = new Keys(settings.PROVISIONER_API_KEY, settings.API_KEYS_FILE, (problem) => {
    if (problem === undefined) log.info("the file of API keys has changed and was taken over");
    else log.error({ problem }, "the file of API keys has changed and cannot be used: the old keys stay");
  });
  await keys.start();
  const client = new KubernetesClient(
    connection ?? (await connect(settings)),
    (method, path, status, seconds) => {
      metrics.kubernetesRequest(method, path, status, seconds);
    },
  );
  const namespace = new Namespace(client, settings.K8S_NAMESPACE, settings.API_PATIENCE_SECONDS * 1000);

  const watchEvents: WatchEvents = {
    onTrouble: ({ path }, error) => {
      metrics.watchTrouble(path);
      log.warn({ path, err: error }, "a watch was cut");
    },
    onList: ({ path }) => {
      metrics.listed(path);
    },
  };
  const pods = new WatchCache<V1Pod>(
    client,
    { path: namespace.pods, labelSelector: managedSelector },
    watchEvents,
  );
  const needsServices = settings.SANDBOX_SERVICE_TYPE !== "Router";
  const serviceTarget = { path: namespace.services, labelSelector: managedSelector };
  const serviceCache = needsServices
    ? new WatchCache<V1Service>(client, serviceTarget, watchEvents)
    : undefined;
  const configMapTarget = { path: namespace.configMaps, labelSelector: ENVIRONMENT };
  const configMaps = new WatchCache<V1ConfigMap>(client, configMapTarget, watchEvents);
  const caches = [pods, configMaps, ...(serviceCache === undefined ? [] : [serviceCache])];

  // Nothing waits for it: without a proxy there are none, and without the right to see them only these notices are missing.
  const refusalTarget = { path: namespace.events, labelSelector: refusalSelector };
  const refusalEvents =
    settings.EGRESS_PROXY_URL === undefined
      ? undefined
      : new WatchCache<CoreV1Event>(client, refusalTarget, watchEvents);
  const refusals = new RefusalNotices(refusalEvents);

  const builtIn =
    settings.SANDBOX_IMAGE === undefined
      ? undefined
      : environmentOfImage(settings.DEFAULT_ENVIRONMENT, settings.SANDBOX_IMAGE);
  const environments = new Environments(configMaps, builtIn, (configMap, why) => {
    log.error({ configMap, why }, "a ConfigMap is no environment");
  });
  const directory = new Directory(pods, serviceCache);
  const arrivals = new Arrivals();
  const endpoints = new Endpoints(settings, tokens, (podName) => directory.serviceOf(podName));
  const services = new Services(namespace, endpoints.serviceType, serviceCache);
  const handOver = new HandOverClient();
  const warm = new WarmConnections({ directory, endpoints, handOver, tokens });
  const activity = new ActivityLog(directory);
  const podSettings = {
    namespace: settings.K8S_NAMESPACE,
    port: settings.SANDBOX_CONTAINER_PORT,
    serviceAccountName: settings.SANDBOX_SERVICE_ACCOUNT,
    server: settings.SANDBOX_SERVER,
    maxSandboxes: settings.MAX_SANDBOXES,
  };
  const sandboxes = new Sandboxes({
    ...{ namespace, pods, directory, arrivals, environments, endpoints, services, tokens, handOver, metrics },
    settings: {
      ...podSettings,
      readyTimeoutSeconds: settings.READY_TIMEOUT_SECONDS,
      startTimeoutSeconds: settings.START_TIMEOUT_SECONDS,
      egressProxyUrl: settings.EGRESS_PROXY_URL,
    },
  });
  const identity = settings.POD_NAME ?? `${hostname()}-${randomBytes(4).toString("hex")}`;
  const leader = new Leader(namespace, identity, {
    onElected: () => {
      log.info({ identity }, "leads");
      pools.keepAll();
    },
    onTrouble: (error) => {
      log.warn({ err: error }, "the Lease cannot be held");
    },
  });
  const pools = new PoolKeeper({
    ...{ namespace, pods, directory, arrivals, environments, services, tokens, metrics },
    settings: {
      ...podSettings,
      maxAgeSeconds: settings.POOL_MAX_AGE_SECONDS,
      startSeconds: settings.START_TIMEOUT_SECONDS,
      maxStarting: settings.POOL_MAX_STARTING,
    },
    leads: () => leader.leads,
    claiming: () => sandboxes.claiming,
    onTrouble: (environment, error) => {
      log.warn({ environment, err: error }, "the pool cannot be kept");
    },
  });
  const reaper = new Reaper({
    ...{ namespace, directory, activity, endpoints, handOver, tokens, metrics },
    rules: { failedSeconds: settings.FAILED_SECONDS, startSeconds: settings.START_TIMEOUT_SECONDS },
    handedOver: (sandbox) => sandboxes.handedOver(sandbox),
    onReaped: ({ id, tenant, podName }, reason) => {
      log.info({ sandbox: id, tenant, pod: podName, reason }, "reaped");
    },
    onTrouble: ({ id, podName }, error) => {
      log.warn({ sandbox: id, pod: podName, err: error }, "cannot be reaped");
    },
  });
  describeGauges(metrics, directory, environments, leader);

  let stopping = false;
  let synced = false;
  const events = new EventStreams();
  const limits = new RateLimits();
  const app = buildServer({
    ...{ log, version, metrics },
    deerflow: { ...{ keys, limits, sandboxes, endpoints, activity }, settings: deerflowSettings(settings) },
    v1: {
      ...{ keys, limits, sandboxes, directory, refusals, environments, endpoints, tokens, activity, events },
      settings: {
        environment: settings.DEFAULT_ENVIRONMENT,
        softSeconds: settings.SOFT_TIMEOUT_SECONDS,
        hardSeconds: settings.HARD_TIMEOUT_SECONDS,
      },
    },
    router: {
      ...{ directory, activity, tokens },
      authenticate: (apiKey) => keys.callerOf(apiKey),
      registry: metrics.registry,
    },
    notReady: () => (stopping ? "stopping" : synced ? undefined : "the cluster has not been read yet"),
  });

  const running = caches.map((cache: WatchCache<KubernetesObject>) => cache.run());
  if (refusalEvents !== undefined) running.push(refusalEvents.run());
  await Promise.all(caches.map((cache: WatchCache<KubernetesObject>) => cache.synced));
  synced = true;
  const leading = leader.run();
  const timers = [
    every(reapEveryMs, log, async () => {
      if (leader.leads && directory.current) await reaper.reap();
    }),
    every(keepEveryMs, log, async () => {
      pools.keepAll();
      warm.keepAll();
      if (leader.leads) await services.repair(allPods(directory));
    }),
    every(flushEveryMs, log, () => activity.flush(namespace)),
  ];
  log.info({ identity, namespace: settings.K8S_NAMESPACE, urls: settings.SANDBOX_SERVICE_TYPE }, "started");

  const stop = async (): Promise<void> => {
    stopping = true;
    for (const timer of timers) clearInterval(timer);
    pools.stop();
    keys.stop();
    // Another replica leads from here on, while requests that are under way still end here.
    await leader.stop().catch((error: unknown) => {
      log.warn({ err: error }, "the Lease could not be given back");
    });
    events.endAll();
    await app.close();
    await activity.flush(namespace);
    for (const cache of caches) cache.stop();
    refusalEvents?.stop();
    await Promise.all([...running, leading]);
    await Promise.all([client.close(), handOver.close()]);
  };
  let stopped: Promise<void> | undefined;
  return { app, stop: () => (stopped ??= stop()) };
}

async function signingKey(settings: Settings): Promise<Tokens> {
  const path = settings.SIGNING_KEY_FILE;
  if (path === undefined) return Tokens.fromApiKey(settings.PROVISIONER_API_KEY ?? "");
  const key = await readFile(path).catch((error: unknown) => {
    throw new SettingsError([
      `SIGNING_KEY_FILE is ${JSON.stringify(path)}, which cannot be read: ${String(error)}`,
    ]);
  });
  if (key.length < 32)
    throw new SettingsError([
      `SIGNING_KEY_FILE is ${JSON.stringify(path)}, which has ${key.length} bytes, but must have at least 32: make one with openssl rand -hex 32.`,
    ]);
  return new Tokens(key);
}

function deerflowSettings(settings: Settings) {
  return {
    environment: settings.DEFAULT_ENVIRONMENT,
    idleSeconds: settings.DEERFLOW_IDLE_SECONDS,
    hardSeconds: settings.HARD_TIMEOUT_SECONDS,
    guarded: settings.SANDBOX_SERVICE_TYPE === "Router",
    skillsHostPath: settings.SKILLS_HOST_PATH,
    skillsClaim: settings.SKILLS_PVC_NAME,
    skillsSubPath: settings.SKILLS_PVC_SUBPATH_TEMPLATE,
    threadsHostPath: settings.THREADS_HOST_PATH,
    userDataClaim: settings.USERDATA_PVC_NAME,
    baseDir: settings.DEER_FLOW_HOST_BASE_DIR,
  };
}

function allPods(directory: Directory) {
  return [...directory.sandboxes(), ...directory.idleEnvironments().flatMap((name) => directory.idle(name))];
}

function describeGauges(
  metrics: Metrics,
  directory: Directory,
  environments: Environments,
  leader: Leader,
): void {
  metrics.gauge(
    "sandlot_provisioner_sandboxes",
    "Sandboxes, by state and tenant.",
    ["state", "tenant"],
    (set) => {
      const counts = new Map<string, { state: string; tenant: string; count: number }>();
      for (const { state, tenant } of directory.sandboxes()) {
        const key = `${state}/${tenant}`;
        counts.set(key, { state, tenant, count: (counts.get(key)?.count ?? 0) + 1 });
      }
      for (const { state, tenant, count } of counts.values()) set({ state, tenant }, count);
    },
  );
  metrics.gauge(
    "sandlot_provisioner_pool",
    "Idle pods, by environment and state; desired among them.",
    ["environment", "state"],
    (set) => {
      for (const { name: environment, pool } of environments.all()) {
        set({ environment, state: "desired" }, pool.size);
        for (const state of ["starting", "running", "failed"])
          set(
            { environment, state },
            directory.idle(environment).filter((pod) => pod.state === state).length,
          );
      }
    },
  );
  metrics.gauge("sandlot_provisioner_leader", "Whether this replica fills pools and reaps.", [], (set) => {
    set({}, leader.leads ? 1 : 0);
  });
  metrics.gauge("sandlot_provisioner_current", "Whether the watches stand.", [], (set) => {
    set({}, directory.current ? 1 : 0);
  });
}

/** Runs `work` now and then, one at a time; what goes wrong is logged and tried again. */
function every(ms: number, log: Logger, work: () => Promise<void>): NodeJS.Timeout {
  let busy = false;
  return setInterval(() => {
    if (busy) return;
    busy = true;
    work()
      .catch((error: unknown) => {
        log.error({ err: error }, "background work failed; it is tried again");
      })
      .finally(() => {
        busy = false;
      });
  }, ms);
}
