// A provisioner, or several, on a fake cluster; everything is stopped after each test.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { InjectOptions, LightMyRequestResponse } from "fastify";
import type { Logger } from "pino";

import { readSettings } from "../../../provisioner/src/config/settings.js";
import { buildLog } from "../../../provisioner/src/log.js";
import { startProvisioner, type Provisioner } from "../../../provisioner/src/provisioner.js";
import { FakeCluster } from "./fake-cluster.js";
import { FakeSandbox } from "./fake-sandbox.js";

export const apiKey = "0123456789abcdef-key";

/** A replica of the provisioner, and how to call it. */
export interface Replica {
  readonly provisioner: Provisioner;
  call(
    method: "GET" | "HEAD" | "POST" | "PATCH" | "DELETE",
    url: string,
    body?: object | string,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
}

/** What a replica tells Prometheus. */
export async function metricsOf({ provisioner }: Pick<Replica, "provisioner">): Promise<string> {
  const { statusCode, body } = await provisioner.metrics.inject({ url: "/metrics" });
  assert.equal(statusCode, 200);
  return body;
}

export interface House {
  readonly cluster: FakeCluster;
  readonly sandbox: FakeSandbox;
  /** How far the clock of provisioners is ahead. Milliseconds. */
  aheadMs: number;
  /** Lets time pass at once, for provisioners and cluster. Milliseconds. */
  pass(ms: number): void;
  start(environment?: Record<string, string>, log?: Logger): Promise<Replica>;
  /** Starts over with the same cluster: what a crash leaves is what is on the pods. */
  end(): Promise<void>;
}

/** An environment with a pool, as a ConfigMap. */
export function environment(
  name: string,
  size: number,
  more: object = {},
): { metadata: { name: string } } & object {
  const amounts = { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" };
  const record = {
    ...{
      version: 1,
      name,
      image: "example/sandbox:1",
      imagePullPolicy: "IfNotPresent",
      imagePullSecrets: [],
    },
    ...{
      egress: "blocked",
      resources: { requests: amounts, limits: amounts },
      env: {},
      secrets: [],
      pool: { size },
    },
    ...more,
  };
  return {
    metadata: { name: `sandbox-environment-${name}`, labels: { "sandlot.dev/environment": name } },
    data: { "environment.json": JSON.stringify(record) },
  } as never;
}

export async function house(): Promise<House> {
  const cluster = new FakeCluster();
  const sandbox = new FakeSandbox();
  const [connection, port] = await Promise.all([cluster.start(), sandbox.start()]);
  const provisioners: Provisioner[] = [];
  let passedMs = 0;
  const home: House = {
    cluster,
    sandbox,
    aheadMs: 0,
    pass(ms) {
      passedMs += ms;
      cluster.aheadMs += ms;
    },
    async start(more = {}, log) {
      const settings = readSettings({
        ...{
          PROVISIONER_API_KEY: apiKey,
          LOG_LEVEL: "fatal",
          K8S_NAMESPACE: "test",
          SANDBOX_IMAGE: "example/sandbox:1",
        },
        ...{
          SANDBOX_SERVICE_TYPE: "ClusterIP",
          SANDBOX_CONTAINER_PORT: String(port),
          READY_TIMEOUT_SECONDS: "2",
          // What a fault does is seen at once; tests of the patience set another.
          API_PATIENCE_SECONDS: "0",
          // What a test leaves open is cut at its end.
          DRAIN_SECONDS: "1",
        },
        ...more,
      });
      const time = {
        wall: () => Date.now() + home.aheadMs + passedMs,
        steady: () => performance.now() + passedMs,
      };
      const lines = log ?? buildLog(settings.LOG_LEVEL);
      const provisioner = await startProvisioner(settings, lines, () => connection, time);
      provisioners.push(provisioner);
      await provisioner.app.ready();
      return {
        provisioner,
        call: (method, url, body, headers = {}) => {
          const request: InjectOptions = { method, url, headers: { "x-api-key": apiKey, ...headers } };
          if (body !== undefined) request.payload = body;
          return provisioner.app.inject(request);
        },
      };
    },
    async end() {
      cluster.fault = () => undefined;
      await Promise.all(provisioners.map((one) => one.stop()));
      await Promise.all([cluster.stop(), sandbox.stop()]);
    },
  };
  return home;
}

/** Waits until it holds. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}
