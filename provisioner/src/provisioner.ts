// The provisioner as a whole: puts the parts together, runs what runs in the background, and ends in order.
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";

import { exposition, gather } from "./clusters/gather.js";
import { SettingsError } from "./config/errors.js";
import { Keys } from "./config/keys.js";
import type { Settings } from "./config/settings.js";
import { Connections } from "./core/connections.js";
import { Metrics } from "./core/metrics.js";
import { Shares } from "./core/shares.js";
import { Tokens } from "./core/tokens.js";
import { mostBodies } from "./http/body-limit.js";
import { mostEvents } from "./http/events.js";
import { mostLogs } from "./http/logs.js";
import { OpenStreams } from "./http/open-streams.js";
import { RateLimits } from "./http/rate-limits.js";
import { buildMetricsServer } from "./http/metrics-server.js";
import { buildServer } from "./http/server.js";
import type { TimeSource } from "./kubernetes/clock.js";
import type { Connection } from "./kubernetes/connection.js";
import { startTracing } from "./tracing/index.js";

/** What `GET /openapi.json` calls this service's version. */
const version = "0.1.0";

/** For how long, at most, a second cluster is waited for at start. */
const longestWaitMs = 10_000;

/** One running provisioner. */
export interface Provisioner {
  readonly app: FastifyInstance;
  /** Serves `/metrics`. */
  readonly metrics: FastifyInstance;
  /** Ends what runs in the background, then the servers. */
  stop(): Promise<void>;
}

/**
 * Starts everything but listening.
 * @param connectionOf the way to the API server of each cluster, if it is not the one that the settings name
 * @param time where time comes from, if not from this machine
 * @throws SettingsError if something that it is told cannot be.
 */
export async function startProvisioner(
  settings: Settings,
  log: Logger,
  connectionOf?: (cluster: string) => Connection,
  time?: TimeSource,
): Promise<Provisioner> {
  const metrics = new Metrics();
  const tokens = await signingKey(settings);
  const keys = new Keys(settings.PROVISIONER_API_KEY, settings.API_KEYS_FILE, (problem) => {
    if (problem === undefined) log.info("the file of API keys has changed and was taken over");
    else log.error({ problem }, "the file of API keys has changed and cannot be used: the old keys stay");
  });
  await keys.start();
  const identity = settings.POD_NAME ?? `${hostname()}-${randomBytes(4).toString("hex")}`;
  const tracing = await startTracing(settings, { version, instance: identity }, log);
  const connections = new Connections();
  const shared = { log, metrics, tokens, connections, identity, time };
  const gathered = await gather(settings, shared, connectionOf);
  const { clusters, front, registries } = gathered;

  let stopping = false;
  let ready = false;
  const events = new OpenStreams(mostEvents);
  const logs = new Shares(mostLogs);
  const limits = new RateLimits();
  const bodies = new Shares(mostBodies);
  const { sandboxes, directory, refusals, environments, poolSizes, idleClaims, endpoints, activity } = front;
  const app = buildServer({
    ...{ log, version, metrics, traced: tracing !== undefined },
    deerflow: {
      ...{ keys, limits, bodies, sandboxes, endpoints, activity },
      settings: deerflowSettings(settings),
    },
    v1: {
      ...{
        keys,
        limits,
        bodies,
        sandboxes,
        directory,
        refusals,
        environments,
        poolSizes,
        idleClaims,
        endpoints,
        tokens,
      },
      ...{ activity, events, logs },
      settings: {
        environment: settings.DEFAULT_ENVIRONMENT,
        softSeconds: settings.SOFT_TIMEOUT_SECONDS,
        hardSeconds: settings.HARD_TIMEOUT_SECONDS,
        mounts: mountSettings(settings),
      },
    },
    router: {
      ...{ directory, activity, tokens, connections },
      wayTo: (sandbox, port) => endpoints.way(sandbox, port),
      authenticate: (apiKey) => keys.callerOf(apiKey),
      hostSuffix: settings.ROUTER_HOST_SUFFIX,
      registry: metrics.registry,
      drainMs: settings.DRAIN_SECONDS * 1000,
    },
    notReady: () => {
      if (stopping) return "stopping";
      if (!ready) return "the cluster has not been read yet";
      // With several, the others are served.
      const [only, ...others] = clusters;
      return others.length === 0 && only?.lost === true ? "the cluster is out of sight" : undefined;
    },
  });

  const metricsServer = buildMetricsServer(metrics.registry.contentType, () => exposition(registries));

  const starting = clusters.map((cluster) => cluster.start());
  await Promise.any(starting);
  // A cluster that does not answer must not keep the others from being used.
  const patience = new AbortController();
  const waitMs = Math.min(settings.CLUSTER_LOST_SECONDS * 1000, longestWaitMs);
  const waited = sleep(waitMs, undefined, { signal: patience.signal }).catch(() => undefined);
  await Promise.race([Promise.all(starting), waited]);
  patience.abort();
  for (const { name: cluster, read } of clusters)
    if (!read) log.warn({ cluster }, "the cluster does not answer: it is used as soon as it does");
  ready = true;
  const unfollow = gathered.follow();

  const stop = async (): Promise<void> => {
    stopping = true;
    unfollow();
    events.endAll();
    // What is under way gets all of its time, however long an API server takes to hear that another replica may lead.
    const retired = clusters.map((cluster) => cluster.retire());
    await Promise.all([app.close(), metricsServer.close(), ...retired]);
    // Not before: a key that is taken away while tunnels of it go on has to end them.
    keys.stop();
    await Promise.all(clusters.map((cluster) => cluster.end()));
    connections.endAll();
    await tracing?.stop();
  };
  let stopped: Promise<void> | undefined;
  return { app, metrics: metricsServer, stop: () => (stopped ??= stop()) };
}

async function signingKey(settings: Settings): Promise<Tokens> {
  const path = settings.SIGNING_KEY_FILE;
  if (path === undefined) return Tokens.fromApiKey(settings.PROVISIONER_API_KEY ?? "");
  const key = await readFile(path).catch((error: unknown) => {
    throw new SettingsError([
      `SIGNING_KEY_FILE is ${JSON.stringify(path)}, which cannot be read: ${String(error)}`,
    ]);
  });
  const [current = key, ...others] = keysIn(key);
  for (const { length } of [current, ...others])
    if (length < 32)
      throw new SettingsError([
        `SIGNING_KEY_FILE is ${JSON.stringify(path)}, which has a key of ${length} bytes, but each must have at least 32: make one with openssl rand -hex 32.`,
      ]);
  return new Tokens(current, ...others);
}

/** Text is one key a line, the current one first; anything else is one key. */
function keysIn(file: Buffer): Buffer[] {
  const text = file.toString("latin1");
  if (!/^[\x20-\x7e\r\n]*$/.test(text)) return [file];
  return text
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) => Buffer.from(line));
}

function deerflowSettings(settings: Settings) {
  return {
    environment: settings.DEFAULT_ENVIRONMENT,
    idleSeconds: settings.DEERFLOW_IDLE_SECONDS,
    hardSeconds: settings.HARD_TIMEOUT_SECONDS,
    guarded: settings.SANDBOX_SERVICE_TYPE === "Router",
    ...mountSettings(settings),
  };
}

function mountSettings(settings: Settings) {
  return {
    skillsHostPath: settings.SKILLS_HOST_PATH,
    skillsClaim: settings.SKILLS_PVC_NAME,
    skillsSubPath: settings.SKILLS_PVC_SUBPATH_TEMPLATE,
    threadsHostPath: settings.THREADS_HOST_PATH,
    userDataClaim: settings.USERDATA_PVC_NAME,
    baseDir: settings.DEER_FLOW_HOST_BASE_DIR,
    hostPaths: settings.HOST_PATH_MOUNTS,
  };
}
