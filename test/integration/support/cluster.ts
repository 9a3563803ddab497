// The stack that the cluster tests stand on, and the few ways in which they look at it.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";

import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  NodeV1Api,
  PolicyV1Api,
  type V1Pod,
} from "@kubernetes/client-node";
import { execa } from "execa";
import { stringify } from "yaml";

export const projectRoot = resolve(fileURLToPath(import.meta.url), "../../../..");
/** That of `make test`, unless another one is named: then its cluster is used as it is. */
export const stack = process.env["SANDLOT_TEST_STACK"] ?? "test";
export const namespace = "sandlot";
export const node = `sandlot-${stack}`;
export const stackDir = resolve(projectRoot, ".sandlot/stacks", stack);
export const sandboxSelector = "app.kubernetes.io/name=sandlot,app.kubernetes.io/component=sandbox";

/** Shared sandboxes alone: the provisioner's look like them otherwise. */
export const sharedSandboxSelector = `${sandboxSelector},app.kubernetes.io/managed-by!=sandlot-provisioner`;

/** How a `make` command ended. */
export interface MakeResult {
  readonly exitCode: number;
  readonly output: string;
  readonly seconds: number;
}

/** What a make that is run within another needs to be told: the outer one's own variables must not reach it. */
export const outsideMake = { MAKEFLAGS: "", MAKEOVERRIDES: "", MFLAGS: "" } as const;

/** Runs a make target as a user would; it must end within ten minutes. */
export async function make(
  target: string,
  variables: Record<string, string> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<MakeResult> {
  const started = performance.now();
  const args = [
    "--silent",
    target,
    ...Object.entries({ STACK: stack, ...variables }).map(([name, value]) => `${name}=${value}`),
  ];
  const { exitCode, all } = await execa("make", args, {
    cwd: projectRoot,
    env: { ...env, ...outsideMake },
    all: true,
    reject: false,
    stdin: "ignore",
    timeout: 600_000,
  });
  return { exitCode: exitCode ?? 1, output: all, seconds: (performance.now() - started) / 1000 };
}

/** Like {@link make}, but a failure fails the test with the command's output. */
export async function mustMake(target: string, variables: Record<string, string> = {}): Promise<MakeResult> {
  const result = await make(target, variables);
  assert.equal(result.exitCode, 0, `make ${target} failed:\n${result.output}`);
  return result;
}

/** Updates the stack with these settings laid over its own. `make up` without them takes them back. */
export async function upWith(config: object): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sandlot-overlay-"));
  const overlay = join(folder, "overlay.yaml");
  writeFileSync(overlay, stringify({ config }));
  try {
    await mustMake("up", { CONFIG: overlay });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the stack's last update left: see commands/support/outputs.ts. */
export function outputs(): Record<string, string> {
  return JSON.parse(readFileSync(resolve(stackDir, "outputs.json"), "utf8")) as Record<string, string>;
}

/** Clients of the stack's cluster. */
export function cluster() {
  const config = new KubeConfig();
  config.loadFromFile(resolve(stackDir, "kubeconfig"));
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    apps: config.makeApiClient(AppsV1Api),
    policy: config.makeApiClient(PolicyV1Api),
    nodes: config.makeApiClient(NodeV1Api),
  };
}

/** Shared sandboxes' pods that are not over or being deleted: neither the provisioner's nor what a test made to look like one. */
export async function sandboxPods(): Promise<V1Pod[]> {
  const { items } = await cluster().core.listNamespacedPod({
    namespace,
    labelSelector: `${sharedSandboxSelector},!sandlot.dev/test`,
  });
  return items.filter(
    ({ metadata, status }) =>
      metadata?.deletionTimestamp === undefined &&
      status?.phase !== "Succeeded" &&
      status?.phase !== "Failed",
  );
}

export const isReady = ({ status }: V1Pod): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;

/** Waits until `condition` gives something; fails with `what` after `seconds`. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  seconds = 60,
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  let last: unknown;
  do {
    try {
      const found = await condition();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await sleep(250);
  } while (performance.now() < end);
  throw new Error(`not within ${seconds} s: ${what}`, { cause: last });
}

/** Waits until exactly `count` sandboxes are there and all are Ready. */
export function readySandboxes(count: number, seconds = 90): Promise<V1Pod[]> {
  return eventually(
    `${count} Ready sandboxes`,
    async () => {
      const pods = await sandboxPods();
      return pods.length === count && pods.every(isReady) && pods;
    },
    seconds,
  );
}

/** The name of a pod that the API server returned. */
export function nameOf({ metadata }: V1Pod): string {
  assert.ok(metadata?.name);
  return metadata.name;
}

/** Runs kubectl in the node; its output, or the failure's. */
export async function kubectl(...args: string[]): Promise<{ ok: boolean; output: string }> {
  const { failed, all } = await execa("docker", ["exec", node, "kubectl", ...args], {
    all: true,
    reject: false,
  });
  return { ok: !failed, output: all };
}

/** How a command in a sandbox ended: the `data` of a `/v1/bash/exec` reply. */
export interface Executed {
  readonly status: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly exit_code: number | null;
}

/** Calls one certain sandbox, through the API server's proxy to its pod; the reply's `data`. */
export async function callSandbox<T>(
  pod: string,
  path: string,
  body: object,
  { place = namespace, timeoutSeconds = 40 }: { place?: string; timeoutSeconds?: number } = {},
): Promise<T> {
  const url = `/api/v1/namespaces/${place}/pods/${pod}:8080/proxy${path}`;
  const { stdout } = await execa(
    "docker",
    ["exec", "-i", node, "kubectl", "create", "--raw", url, "-f", "-"],
    { input: JSON.stringify(body), timeout: timeoutSeconds * 1000 },
  );
  const reply = JSON.parse(stdout) as { success: boolean; data: T };
  assert.ok(reply.success, stdout);
  return reply.data;
}

/** Runs a command in one certain sandbox, through the API server's proxy to its pod. */
export function execIn(pod: string, command: string, timeoutSeconds = 30): Promise<Executed> {
  const body = { command, hard_timeout: timeoutSeconds };
  return callSandbox(pod, "/v1/bash/exec", body, { timeoutSeconds: timeoutSeconds + 10 });
}

/** Standard output of a command that must succeed in the sandbox. */
export async function outputOf(pod: string, command: string): Promise<string> {
  const { stdout, stderr, exit_code: code } = await execIn(pod, command);
  assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
  return stdout.trim();
}
