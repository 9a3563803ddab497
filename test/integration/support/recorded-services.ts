// What the real provisioner and the real egress proxy export while they are given known work. The cluster that they stand on is a
// fake one, so that what goes wrong in it is known as well.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";

import type { FastifyInstance } from "fastify";

import { readEgressSettings } from "../../../provisioner/src/config/settings.js";
import { startEgress } from "../../../provisioner/src/egress/service.js";
import { buildLog } from "../../../provisioner/src/log.js";
import { FakeCluster } from "../../unit/provisioner/fake-cluster.js";
import { apiKey, environment, eventually, house, type Replica } from "../../unit/provisioner/house.js";
import type { Scrape } from "./prometheus.js";
import { ownAddress as own } from "../../unit/provisioner/own-address.js";

/** The seconds of all scrapes but the first, which is at 0, on paper. */
const later = [15, 30, 45, 60];

async function textOf(app: FastifyInstance): Promise<string> {
  return (await app.inject({ method: "GET", url: "/metrics" })).body;
}

/** Scrapes of two replicas of the provisioner: work is done before the first, and again before the second. */
export async function recordProvisioner(): Promise<Scrape[]> {
  const home = await house();
  const scrapes: Scrape[] = [];
  const replicas: Replica[] = [];
  let base = "";
  let round = 0;

  /** Waits until the first replica, which leads, says all of it: what it exports is what the test is about. */
  const told = (what: string, ...lines: string[]): Promise<void> =>
    eventually(
      what,
      async () => {
        const text = await textOf((replicas[0] as Replica).provisioner.metrics);
        return lines.every((line) => text.includes(`sandlot_provisioner_${line}\n`));
      },
      60_000,
    );
  const pool = (state: string, count: number): string =>
    `pool{environment="pooled",state="${state}"} ${count}`;
  const full = [pool("running", 3), pool("starting", 0), pool("failed", 0)];
  const failing = (method: string, status: number): void => {
    home.cluster.fault = (seen) => {
      if (seen.method !== method || !seen.path.includes("/pods")) return undefined;
      home.cluster.fault = () => undefined;
      return { status };
    };
  };

  /**
   * Two warm creates, of which one lost its first pod to somebody else; one that was there; one cold; one unknown environment; one
   * wrong key; one request into a sandbox, one with a wrong token; one sandbox and one idle pod that fail; one pod of the pool that
   * the cluster refuses; and watches that are cut.
   */
  async function work(): Promise<void> {
    const [first] = replicas as [Replica, Replica];
    const { cluster } = home;
    round += 1;
    const create = (id: string, more: object = {}) =>
      first.call("POST", "/v1/sandboxes", { id: `${id}-${round}`, environment: "pooled", ...more });
    await told("a full pool", ...full);
    failing("PATCH", 422);
    assert.equal((await create("lost")).statusCode, 201);
    assert.equal((await create("warm")).statusCode, 201);
    assert.equal((await create("warm")).statusCode, 200);
    assert.equal((await create("cold", { environment: "default" })).statusCode, 201);
    assert.equal((await create("none", { environment: "unknown" })).statusCode, 422);
    const strange = { "x-api-key": "0123456789abcdef-wrong" };
    assert.equal((await first.call("GET", "/v1/sandboxes", undefined, strange)).statusCode, 401);

    const into = (key: string) =>
      fetch(`${base}/sandboxes/warm-${round}/v1/sandbox`, { headers: { "x-api-key": key } });
    assert.equal((await into(apiKey)).status, 200);
    assert.equal((await into("0123456789abcdef-wrong")).status, 401);

    const fail = (podName: string): void => {
      cluster.update(podName, (pod) => {
        pod.status = Object.assign({}, pod.status, { phase: "Failed" });
      });
    };
    const named = (id: string): string =>
      cluster.livePods().find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id)?.metadata
        .name ?? "";
    fail(named(`lost-${round}`));
    await told("it is reaped", `reaped_total{reason="failed"} ${round}`);

    await told("a full pool", ...full);
    failing("POST", 500);
    const [one] = cluster
      .livePods()
      .filter(({ metadata }) => metadata.labels?.["sandlot.dev/state"] === "idle");
    fail(one?.metadata.name ?? "");
    await told(
      "a full pool again",
      ...["removed", "failed"].map((what) => `pool_${what}_total{environment="pooled"} ${round}`),
      ...full,
    );
    cluster.cutWatches();
    const again = ["pods", "configmaps"].map(
      (resource) => `sandlot_provisioner_watch_troubles_total{resource="${resource}"} ${round}\n`,
    );
    await eventually("watches that were cut and stand again", async () =>
      (await Promise.all(replicas.map(({ provisioner }) => textOf(provisioner.metrics)))).every((text) =>
        [...again, "sandlot_provisioner_current 1\n"].every((line) => text.includes(line)),
      ),
    );
  }

  async function scrape(at: number): Promise<void> {
    for (const [i, { provisioner }] of replicas.entries()) {
      const labels = {
        instance: `10.42.0.${8 + i}:8003`,
        job: "provisioner-metrics",
        namespace: "sandlot-system",
      };
      scrapes.push({ at, labels, text: await textOf(provisioner.metrics) });
    }
  }

  try {
    home.cluster.put("configmaps", environment("pooled", 3));
    const settings = { SANDBOX_SERVICE_TYPE: "Router", ROUTER_URL: "http://localhost", FAILED_SECONDS: "0" };
    for (const name of ["one", "two"]) replicas.push(await home.start({ ...settings, POD_NAME: name }));
    base = await (replicas[0] as Replica).provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    await work();
    await scrape(0);
    await work();
    for (const at of later) await scrape(at);
    return scrapes;
  } finally {
    await home.end();
  }
}

/** Scrapes of an egress proxy: work is done before the second. Undefined where the machine has no private address. */
export async function recordEgressProxy(): Promise<Scrape[] | undefined> {
  if (own === undefined) return undefined;
  const scrapes: Scrape[] = [];
  const outside = createServer((_, response) => response.end("outside")).listen(0, own);
  await once(outside, "listening");
  const cluster = new FakeCluster();
  cluster.startMs = undefined;
  const connection = await cluster.start();
  cluster.put("pods", {
    metadata: {
      name: "one",
      labels: {
        "app.kubernetes.io/managed-by": "sandlot-provisioner",
        "sandlot.dev/state": "claimed",
        "sandlot.dev/egress": "allowlist",
        "sandlot.dev/sandbox-id": "one",
        "sandlot.dev/tenant": "default",
      },
      annotations: { "sandlot.dev/egress-rules": JSON.stringify({ allow: [`${own}:*`], deny: [] }) },
    },
    spec: { containers: [] },
    status: { phase: "Running", podIP: "127.0.0.21", podIPs: [{ ip: "127.0.0.21" }] },
  } as never);
  const settings = readEgressSettings({ K8S_NAMESPACE: "test", LOG_LEVEL: "fatal", DRAIN_SECONDS: "0" });
  const service = await startEgress(settings, buildLog(settings.LOG_LEVEL), { connection });
  service.proxy.server.listen(0, "0.0.0.0");
  await once(service.proxy.server, "listening");
  const { health } = service;
  const scrape = async (at: number): Promise<void> => {
    await eventually("the watch stands, and nothing is open", async () => {
      const text = await textOf(health);
      return text.includes("sandlot_egress_current 1") && text.includes("sandlot_egress_open 0");
    });
    const labels = {
      instance: "10.42.0.10:8081",
      job: "egress-proxy-metrics",
      namespace: "sandlot-system",
    };
    scrapes.push({ at, labels, text: await textOf(health) });
  };
  /** One tunnel and one plain request that are let through, two that no rule allows, and one of a stranger. */
  async function work(): Promise<void> {
    const { port } = outside.address() as AddressInfo;
    const ask = async (options: object): Promise<number> => {
      const { port: at } = service.proxy.server.address() as AddressInfo;
      const request = httpRequest({ host: "127.0.0.1", port: at, localAddress: "127.0.0.21", ...options });
      request.end();
      return await new Promise((resolve, reject) => {
        request.once("error", reject);
        request.once("connect", (response, socket) => {
          socket.destroy();
          resolve(response.statusCode ?? 0);
        });
        request.once("response", (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
      });
    };
    const place = `${String(own)}:${port}`;
    assert.equal(await ask({ method: "CONNECT", path: place }), 200);
    assert.equal(await ask({ path: `http://${place}/` }), 200);
    for (const name of ["one", "two"])
      assert.equal(await ask({ method: "CONNECT", path: `${name}.example:443` }), 403);
    assert.equal(await ask({ path: `http://${place}/`, localAddress: "127.0.0.22" }), 403);
    cluster.cutWatches();
    await eventually("the watch was cut", async () =>
      (await textOf(health)).includes("sandlot_egress_watch_troubles_total 1\n"),
    );
  }

  try {
    // Nothing has happened at the first scrape: what counts is there all the same.
    await scrape(0);
    await work();
    for (const at of later) await scrape(at);
    return scrapes;
  } finally {
    await service.stop();
    outside.close();
    await cluster.stop();
  }
}
