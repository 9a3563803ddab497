// Round trips of a command that does nothing: through the sandbox API, and through Kubernetes' own exec.
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

import { Exec, type V1Status } from "@kubernetes/client-node";
import { UserError } from "@sandlot/toolchain/errors.js";
import { step } from "@sandlot/toolchain/progress.js";

import { runInSandbox } from "../commands/support/sandbox.js";
import type { Cluster } from "./cluster.js";
import type { Figure } from "./figures.js";
import { summarise } from "./statistics.js";
import type { Surroundings } from "./surroundings.js";

const rounds = 50;
const warmUps = 3;
const limitMs = 30_000;

/** A container in a pod. */
export interface Place {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** The part of a web socket that is used here. */
interface Socket {
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Runs a command in a container as `kubectl exec` does. @returns its standard output @throws Error when it fails */
export async function execInPod({ config }: Cluster, place: Place, command: string[]): Promise<string> {
  const stdout = new PassThrough();
  const output = text(stdout);
  const { namespace, pod, container } = place;
  let timer: NodeJS.Timeout | undefined;
  const status = await new Promise<V1Status>((resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`exec of ${command[0] ?? ""} in ${pod} was not done after ${limitMs / 1000} seconds`));
    }, limitMs);
    new Exec(config)
      .exec(namespace, pod, container, command, stdout, null, null, false, resolve)
      .then((socket: Socket) => socket.on("error", reject), reject);
  }).finally(() => {
    clearTimeout(timer);
  });
  stdout.end();
  if (status.status === "Success") return output;
  throw new Error(`${command.join(" ")} in ${pod}: ${status.message ?? status.reason ?? "failed"}`);
}

/** Calls the sandbox API. @throws UserError when it answers with a failure */
async function call(endpoint: string, path: string, signal: AbortSignal, body?: object): Promise<unknown> {
  const response = await fetch(`${endpoint}${path}`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
    ...(body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const reply = (await response.json()) as { success?: boolean; message?: string; data?: unknown };
  if (response.ok && reply.success !== false) return reply.data;
  throw new UserError(
    `${path} answered ${response.status}: ${reply.message ?? ""}`,
    "See `make logs STACK=bench`.",
  );
}

/** The time that `work` takes, in milliseconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The rows of round trips, all kinds in turn, to one and the same sandbox. */
export async function execFigures(
  cluster: Cluster,
  { endpoint, namespace }: { endpoint: string; namespace: string },
  { signal }: Surroundings,
): Promise<Figure[]> {
  // Calls of one client go to one pod, which names itself.
  const pod = (await runInSandbox(endpoint, "hostname", 30)).stdout.trim();
  const session = (await call(endpoint, "/v1/shell/exec", signal, { command: "true" })) as {
    session_id: string;
  };
  const ways = {
    bash: () => call(endpoint, "/v1/bash/exec", signal, { command: "true" }),
    shell: () => call(endpoint, "/v1/shell/exec", signal, { id: session.session_id, command: "true" }),
    get: () => call(endpoint, "/v1/sandbox", signal),
    kubernetes: () => execInPod(cluster, { namespace, pod, container: "sandbox" }, ["true"]),
  };
  const names = Object.keys(ways) as (keyof typeof ways)[];
  const times: Record<keyof typeof ways, number[]> = { bash: [], shell: [], get: [], kubernetes: [] };
  await step(`Round trips, ${rounds} of each kind`, async (progress) => {
    for (let round = -warmUps; round < rounds; round++) {
      signal.throwIfAborted();
      progress.detail(`round ${round + 1} of ${rounds}`);
      for (const name of names) {
        const ms = await timed(ways[name]);
        if (round >= 0) times[name].push(ms);
      }
    }
  });
  const row = (what: string, way: "bash" | "shell", other: "get" | "kubernetes", against: string): Figure[] =>
    (["p50", "p95"] as const).map((rank) => ({
      figure: `${what}, ${rank} of ${rounds}`,
      unit: "ms",
      ours: summarise(times[way])[rank],
      reference: summarise(times[other])[rank],
      against,
    }));
  const viaKubernetes = "exec of true in the same pod through the Kubernetes API";
  const justGet = "GET /v1/sandbox on the same way";
  return [
    ...row("POST /v1/bash/exec true", "bash", "kubernetes", viaKubernetes),
    ...row("POST /v1/bash/exec true", "bash", "get", justGet),
    ...row("POST /v1/shell/exec true", "shell", "kubernetes", viaKubernetes),
    ...row("POST /v1/shell/exec true", "shell", "get", justGet),
  ];
}
