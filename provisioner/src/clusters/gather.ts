// From settings to the clusters that there are, and to the one front that the APIs and the router see.
import { AggregatorRegistry, type Registry } from "prom-client";
import type { Logger } from "pino";

import { ClustersFile, type ClusterEntry } from "../config/clusters.js";
import { SettingsError } from "../config/errors.js";
import type { Settings } from "../config/settings.js";
import type { Connections } from "../core/connections.js";
import { Metrics } from "../core/metrics.js";
import { describeRoom } from "../core/room.js";
import type { Tokens } from "../core/tokens.js";
import type { TimeSource } from "../kubernetes/clock.js";
import { connect, type Connection } from "../kubernetes/connection.js";
import { Cluster } from "./cluster.js";
import { Fleet } from "./fleet.js";
import { FleetSandboxes } from "./fleet-sandboxes.js";
import type { Front } from "./front.js";
import { describeGauges } from "./gauges.js";

/** What all clusters share. */
export interface Shared {
  readonly log: Logger;
  /** Those of the process. */
  readonly metrics: Metrics;
  readonly tokens: Tokens;
  /** To sandboxes, for hand-overs and for the router. */
  readonly connections: Connections;
  readonly identity: string;
  /** @default - this machine's */
  readonly time?: TimeSource | undefined;
}

/** The clusters, which are not started yet. */
export interface Gathered {
  readonly clusters: readonly Cluster[];
  readonly front: Front;
  /** With the figures of the process and of each cluster. */
  readonly registries: readonly Registry[];
  /** Takes over changes of the file of clusters, until the returned function is called. */
  follow(): () => void;
}

/** @throws SettingsError if the file of clusters cannot be used, or there is no way to one of them. */
export async function gather(
  settings: Settings,
  shared: Shared,
  connectionOf?: (cluster: string) => Connection,
): Promise<Gathered> {
  const { log, metrics } = shared;
  const fleet = new Fleet();
  const make = async (entry: ClusterEntry, own: Pick<Shared, "log" | "metrics">): Promise<Cluster> => {
    const cluster: Cluster = new Cluster({
      ...shared,
      ...own,
      ...{ name: entry.name, share: entry, settings: settingsOf(entry, settings) },
      connection: connectionOf?.(entry.name) ?? (await connectionTo(entry, settings)),
      elsewhere: (tenant) => fleet.usesBeside(cluster, tenant),
      duplicates: (one) => fleet.duplicatesIn(one),
    });
    fleet.add(cluster);
    describeGauges(own.metrics, cluster);
    describeRoom(own.metrics, cluster.directory, settingsOf(entry, settings).MAX_SANDBOXES);
    return cluster;
  };

  if (settings.CLUSTERS_FILE === undefined) {
    // The parts of the one cluster serve themselves: nothing stands between them and whoever asks.
    const front = await make({ name: "default", weight: 100, drain: false }, { log, metrics });
    return { clusters: fleet.clusters, front, registries: [metrics.registry], follow: () => () => undefined };
  }
  const file = new ClustersFile(settings.CLUSTERS_FILE);
  const entries = await file.start();
  checkReach(entries, settings);
  const registries = [metrics.registry];
  for (const entry of entries) {
    const own = new Metrics({ cluster: entry.name });
    registries.push(own.registry);
    await make(entry, { log: log.child({ cluster: entry.name }), metrics: own });
  }
  const { directory, environments, poolSizes, idleClaims, endpoints, refusals, activity } = fleet;
  const sandboxes = new FleetSandboxes(fleet, log);
  return {
    clusters: fleet.clusters,
    front: { sandboxes, directory, environments, poolSizes, idleClaims, endpoints, refusals, activity },
    registries,
    follow: () =>
      file.follow((now) => {
        if (typeof now === "string")
          log.error(
            { problem: now },
            "the file of clusters has changed and cannot be used: all stays as it is",
          );
        else takeOver(now, entries, fleet, log);
      }),
  };
}

/** The figures of all registries, as Prometheus reads them. */
export async function exposition(registries: readonly Registry[]): Promise<string> {
  const [only, ...more] = registries;
  if (only !== undefined && more.length === 0) return only.metrics();
  const all = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()));
  // "omit" is for figures that are senseless for several processes together, such as when they started. All this is one process.
  const figures = all.map((some) =>
    some.map((one) => (one.aggregator === "omit" ? { ...one, aggregator: "first" as const } : one)),
  );
  return AggregatorRegistry.aggregate(figures).metrics();
}

/** Shares change at once; another way to a cluster, and a cluster that comes or goes, take a start. */
function takeOver(
  now: readonly ClusterEntry[],
  started: readonly ClusterEntry[],
  fleet: Fleet,
  log: Logger,
): void {
  for (const cluster of fleet.clusters) {
    const entry = now.find(({ name }) => name === cluster.name);
    if (entry === undefined) continue;
    const { weight, drain } = entry;
    if (weight === cluster.share.weight && drain === cluster.share.drain) continue;
    cluster.share = { weight, drain };
    log.info({ cluster: cluster.name, weight, drain }, "what the cluster gets has changed");
  }
  const fixed = (entries: readonly ClusterEntry[]): string =>
    JSON.stringify(entries.map((entry) => ({ ...entry, weight: 0, drain: false })));
  if (fixed(now) !== fixed(started))
    log.warn(
      "the file of clusters has changed in more than weights and drains: that takes a start of the provisioner",
    );
}

/** The settings, as they are for one cluster. */
function settingsOf({ namespace, nodeHost, maxSandboxes }: ClusterEntry, settings: Settings): Settings {
  return {
    ...settings,
    K8S_NAMESPACE: namespace ?? settings.K8S_NAMESPACE,
    NODE_HOST: nodeHost ?? settings.NODE_HOST,
    MAX_SANDBOXES: maxSandboxes ?? settings.MAX_SANDBOXES,
  };
}

async function connectionTo(
  { name, kubeconfig, context }: ClusterEntry,
  settings: Settings,
): Promise<Connection> {
  if (kubeconfig === undefined) return connect(settings);
  try {
    return await connect({ KUBECONFIG_PATH: kubeconfig, context });
  } catch (error) {
    const problems = error instanceof SettingsError ? error.problems : [String(error)];
    throw new SettingsError(problems.map((problem) => `The cluster ${name} of CLUSTERS_FILE: ${problem}`));
  }
}

/** @throws SettingsError if sandboxes of all clusters could not be reached by the URLs that they would have. */
function checkReach(entries: readonly ClusterEntry[], { SANDBOX_SERVICE_TYPE: type }: Settings): void {
  if (entries.length < 2) return;
  if (type === "ClusterIP")
    throw new SettingsError([
      "SANDBOX_SERVICE_TYPE is ClusterIP, but CLUSTERS_FILE names several clusters, and names of Services lead nowhere in another cluster: use Router or NodePort.",
    ]);
  const without = type === "NodePort" ? entries.findIndex(({ nodeHost }) => nodeHost === undefined) : -1;
  if (without !== -1)
    throw new SettingsError([
      `CLUSTERS_FILE is wrong at clusters.${without}.nodeHost: is not set, but SANDBOX_SERVICE_TYPE is NodePort: give each cluster the host of its nodes.`,
    ]);
}
