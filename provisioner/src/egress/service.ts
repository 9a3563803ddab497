// The egress proxy as a service: it follows the pods, keeps their rules, tells what it refused, and ends in order.
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";

import type { EgressSettings } from "../config/settings.js";
import { KubernetesClient } from "../kubernetes/client.js";
import { connect, type Connection } from "../kubernetes/connection.js";
import { Namespace } from "../kubernetes/namespace.js";
import { WatchCache } from "../kubernetes/watch-cache.js";
import { managedSelector } from "../model/labels.js";
import { RefusalEvents } from "./events.js";
import { watchMetrics } from "./metrics.js";
import type { EgressOptions } from "./options.js";
import { EgressProxy } from "./proxy.js";
import { Refusals } from "./refusals.js";
import { EgressSandboxes } from "./sandboxes.js";

const tellEveryMs = 1_000;

/** One running proxy. */
export interface EgressService {
  readonly proxy: EgressProxy;
  /** Health and metrics. */
  readonly health: FastifyInstance;
  /** Goes on serving for a while, not Ready any more, and then ends. */
  stop(): Promise<void>;
}

/** Starts everything but listening. */
export async function startEgress(
  settings: EgressSettings,
  log: Logger,
  { connection, resolve }: { connection?: Connection; resolve?: EgressOptions["resolve"] } = {},
): Promise<EgressService> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const client = new KubernetesClient(connection ?? (await connect(settings)));
  const namespace = new Namespace(client, settings.K8S_NAMESPACE, 0);
  const target = { path: namespace.pods, labelSelector: managedSelector };
  const pods = new WatchCache<V1Pod>(client, target, {
    onTrouble: (_, error) => {
      watchTroubles.inc();
      log.warn({ err: error }, "the watch of pods was cut");
    },
  });
  const watchTroubles = watchMetrics(registry, () => pods.connected);
  const events = new RefusalEvents(namespace, settings.POD_NAME ?? hostname());
  const sandboxes = new EgressSandboxes(
    pods,
    (podUid, rules) => {
      proxy.recheck(podUid, rules);
      if (rules === undefined) events.forget(podUid);
    },
    ({ podName, id, tenant }, rule) => {
      log.error({ sandbox: id, tenant, pod: podName, rule }, "a rule cannot be read, so it is left out");
    },
  );
  const refusals = new Refusals();
  const proxy = new EgressProxy({
    sandboxAt: (address) => sandboxes.at(address),
    arrival: (address) => sandboxes.arrival(address),
    closedRanges: settings.DENIED_CIDRS,
    onRefused: (refused) => {
      refusals.add(refused, Date.now());
    },
    onTrouble: (error) => {
      log.error({ err: error }, "unexpected");
    },
    registry,
    ...(resolve === undefined ? {} : { resolve }),
  });

  let stopping = false;
  let synced = false;
  const health = buildHealth(registry, () => !stopping && synced);
  const running = pods.run();
  await pods.synced;
  synced = true;

  const tell = (): void => {
    const now = Date.now();
    for (const refusal of refusals.take()) {
      const subject = sandboxes.subject(refusal.podUid);
      const { host, port, reason, count } = refusal;
      const who = { sandbox: subject?.id, tenant: subject?.tenant, podUid: refusal.podUid };
      log.info({ ...who, host, port, reason, count }, "refused");
      if (subject !== undefined)
        events.write(subject, refusal, now).catch((error: unknown) => {
          log.warn({ ...who, err: error }, "the Event of a refusal could not be written");
        });
    }
  };
  const timer = setInterval(tell, tellEveryMs);
  log.info({ namespace: settings.K8S_NAMESPACE, denied: settings.DENIED_CIDRS }, "started");

  const stop = async (): Promise<void> => {
    stopping = true;
    await sleep(settings.DRAIN_SECONDS * 1000);
    await proxy.close();
    clearInterval(timer);
    tell();
    pods.stop();
    await running;
    await Promise.all([client.close(), health.close()]);
  };
  let stopped: Promise<void> | undefined;
  return { proxy, health, stop: () => (stopped ??= stop()) };
}

function buildHealth(registry: Registry, ready: () => boolean): FastifyInstance {
  const app = Fastify({ http: { headersTimeout: 15_000 } });
  app.get("/livez", () => ({ status: "ok" }));
  app.get("/readyz", (_, reply) =>
    reply.code(ready() ? 200 : 503).send({ status: ready() ? "ok" : "not ready" }),
  );
  app.get("/metrics", async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
  return app;
}
