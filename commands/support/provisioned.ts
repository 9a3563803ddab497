// A sandbox from the deployed provisioner, by REST: gotten, used and given back.
import { setTimeout as sleep } from "node:timers/promises";

import { UserError } from "@sandlot/toolchain/errors.js";

import { runInSandbox, type CommandResult } from "./sandbox.js";

/** A provisioner and the key to it. */
export interface Provisioner {
  readonly endpoint: string;
  readonly apiKey: string;
}

/** What came of it, and how long each part took, in milliseconds. */
export interface ProvisionedRun {
  readonly result: CommandResult;
  /** Whether it came from the pool. */
  readonly warm: boolean;
  /** From the request to the answer that has a sandbox which answers. */
  readonly createMs: number;
  /** From there until the command's output was there. */
  readonly runMs: number;
}

/** The parts of the API's answers that are read here (docs/api.md). */
interface Environments {
  items: { name: string; pool: { size: number; ready: number } }[];
}
interface Sandbox {
  id: string;
  start: "warm" | "cold";
  token: string;
}

/** How long a provisioner may take to answer, after the node was started anew, in milliseconds. */
const patienceMs = 90_000;

/** How long to wait for the pool's first sandbox, in milliseconds: after that a new one is as good. */
const poolMs = 10_000;

/** Gets a sandbox, runs `command` in it through the provisioner's router, and gives it back. */
export async function runProvisioned(provisioner: Provisioner, command: string): Promise<ProvisionedRun> {
  await answers(provisioner);
  await poolIsReady(provisioner);
  const asked = performance.now();
  const sandbox = await call<Sandbox>(provisioner, "POST", "/v1/sandboxes", { softTimeoutSeconds: 120 });
  const created = performance.now();
  try {
    // The router leads into it from here, whatever URL clients are given (provisioner.sandboxUrls).
    const url = `${provisioner.endpoint}/sandboxes/${sandbox.id}`;
    const result = await runInSandbox(url, command, 60, { "x-sandbox-token": sandbox.token });
    return {
      result,
      warm: sandbox.start === "warm",
      createMs: created - asked,
      runMs: performance.now() - created,
    };
  } finally {
    await call(provisioner, "DELETE", `/v1/sandboxes/${sandbox.id}`);
  }
}

async function answers({ endpoint }: Provisioner): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const ready = await fetch(`${endpoint}/readyz`, { signal: AbortSignal.timeout(3_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return;
    if (performance.now() > end)
      throw new UserError(`The provisioner at ${endpoint} does not answer.`, remedy);
    await sleep(100);
  }
}

/** Waits a little while until the default environment has an idle sandbox, and not at all where it keeps none. */
async function poolIsReady(provisioner: Provisioner): Promise<void> {
  const end = performance.now() + poolMs;
  for (;;) {
    const { items } = await call<Environments>(provisioner, "GET", "/v1/environments");
    const pool = items.find(({ name }) => name === "default")?.pool;
    if (pool !== undefined && pool.ready > 0) return;
    // A ConfigMap that was only just made may not have been seen yet.
    if (pool?.size === 0 || performance.now() > end) return;
    await sleep(50);
  }
}

const remedy = "See `make status` and: make exec NODE=1 CMD='kubectl get pods,events -n sandlot-system'";

/** The caller knows what the answer is, and says so. */
async function call<T>(
  { endpoint, apiKey }: Provisioner,
  method: string,
  path: string,
  body?: object,
): Promise<T> {
  const response = await fetch(`${endpoint}${path}`, {
    method,
    headers: { "x-api-key": apiKey, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  if (!response.ok)
    throw new UserError(
      `The provisioner answered ${method} ${path} with ${response.status}: ${text}`,
      remedy,
    );
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
