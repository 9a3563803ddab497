// Where the provisioner is measured: the stack's own image, limits, rights and walls in namespaces that are made for it and go with
// it, so that pools can be made and emptied, and thousands of sandboxes be there, without the stack being touched.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { ApiException, NetworkingV1Api, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import type {
  V1ConfigMap,
  V1Deployment,
  V1Namespace,
  V1Pod,
  V1PodTemplateSpec,
} from "@kubernetes/client-node";
import { step } from "@sandlot/toolchain/progress.js";
import { execa } from "execa";

import { ENVIRONMENT, managedSelector, SANDBOX_ID } from "../../provisioner/src/model/labels.js";
import type { Cluster } from "../cluster.js";
import { execInPod } from "../exec.js";
import { podMemory } from "../memory.js";
import { benchPod, type PodKind } from "../pod-manifests.js";
import { isReady, PodWatch } from "../pod-watch.js";
import type { Surroundings } from "../surroundings.js";
import { ApiServer } from "./api-server.js";
import { Client } from "./client.js";
import * as manifests from "./manifests.js";

/** What of the stack the stand is like. */
export interface Model {
  readonly home: string;
  readonly system: string;
  /** The container of the node. */
  readonly node: string;
}

/** How many sandboxes there are at last, and idle pods beside them. */
export const fleetSize = 5_000;
export const spare = 10;

/** What is measured as a process: a pod beside the sandboxes, by its name, and the port of its metrics. */
export interface Server {
  readonly name: string;
  readonly metricsPort: number;
}

const provisioner: Server = { name: manifests.provisionerName, metricsPort: manifests.metricsPort };
const names: manifests.Namespaces = { home: "sandlot-bench", system: "sandlot-bench-system" };
const container = "sandbox";
const patience = { poolSeconds: 240, goneSeconds: 240, pollMs: 100 };

/** What is read of the stack. */
interface Found {
  readonly deployment: V1Deployment;
  readonly template: V1PodTemplateSpec;
  readonly environment: V1ConfigMap;
}

/** A provisioner and its sandboxes. */
export class Stand {
  readonly namespace = names.home;
  /** Where the provisioner is. */
  readonly system = names.system;
  private readonly networking: NetworkingV1Api;

  private constructor(
    readonly cluster: Cluster,
    readonly api: ApiServer,
    readonly client: Client,
    readonly pods: PodWatch,
    readonly nodeAddress: string,
    private readonly found: Found,
    readonly signal: AbortSignal,
  ) {
    this.networking = cluster.config.makeApiClient(NetworkingV1Api);
  }

  /** Needs a stack with a provisioner that is up. What is made goes when it is closed, or else when the run ends. */
  static async open(
    cluster: Cluster,
    model: Model,
    around: Surroundings,
  ): Promise<{ stand: Stand; close: () => Promise<void> }> {
    const { signal, cleanup, env } = around;
    return step("A provisioner of the benchmarks' own", async () => {
      const remove = () => removeNamespaces(cluster);
      await remove();
      await gone(cluster, signal);
      const removeNow = cleanup.add(`The namespaces ${names.home} and ${names.system}`, remove);
      const found = await look(cluster, model);
      const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
      const { stdout } = await execa("docker", ["inspect", "-f", format, model.node], { env });
      const [address = ""] = stdout.trim().split(" ");
      const apiKey = randomBytes(24).toString("hex");
      const url = await build(cluster, model, found, { apiKey, address });
      const client = new Client(url, apiKey, signal);
      const [pods, own] = [new PodWatch(signal), new PodWatch(signal)];
      await own.open(cluster.config, names.system, "");
      await own.until(manifests.provisionerName, "Ready", isReady);
      own.close();
      await client.untilAnswers();
      await pods.open(cluster.config, names.home, "");
      const api = await ApiServer.connect(cluster.config);
      const disconnect = cleanup.add("The connections of the benchmarks", async () => {
        pods.close();
        await Promise.all([client.close(), api.close()]);
      });
      const close = async (): Promise<void> => {
        await disconnect();
        await removeNow();
      };
      return { stand: new Stand(cluster, api, client, pods, address, found, signal), close };
    });
  }

  /** What a server tells Prometheus. */
  metrics({ name, metricsPort }: Server = provisioner): Promise<string> {
    const path = `/api/v1/namespaces/${names.system}/pods/${name}:${metricsPort}/proxy/metrics`;
    return this.api.text({ path });
  }

  /** What a server holds as the kubelet counts it, who holds it against the limit: bytes. */
  async workingSetBytes({ name }: Server = provisioner): Promise<number> {
    const [bytes = Number.NaN] = await podMemory(this.cluster, names.system, [name], this.signal);
    return bytes;
  }

  /** Waits, so that what was done before takes nothing from what is measured next. */
  async settle(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal });
  }

  /** The RuntimeClass that sandboxes run in by themselves; undefined: the nodes' ordinary runtime. */
  get runtimeClass(): string | undefined {
    return manifests.runtimeOf(recordOf(this.found.environment));
  }

  /** Sets the size of the pool and waits until so many are Ready. */
  async pool(size: number, runtime: manifests.Runtime = "own"): Promise<void> {
    const name = this.found.environment.metadata?.name ?? "";
    const body = environment(this.found.environment, size, runtime);
    await this.cluster.core.replaceNamespacedConfigMap({ name, namespace: names.home, body });
    await this.filled(size);
  }

  /** Waits until so many are idle and Ready. @returns milliseconds */
  async filled(size: number): Promise<number> {
    const started = performance.now();
    while ((await this.client.ready()) !== size) {
      if (performance.now() - started > patience.poolSeconds * 1000)
        throw new Error(`there are no ${size} Ready pods after ${patience.poolSeconds} seconds`);
      await this.settle(patience.pollMs);
    }
    return performance.now() - started;
  }

  /** A bare pod of the same image and runtime: milliseconds from its create until it is Ready, and until a command in it is answered. */
  async bare(name: string): Promise<{ readyMs: number; answeredMs: number }> {
    const started = performance.now();
    await this.createBare(name);
    const readyMs = (await this.pods.until(name, "Ready", isReady)) - started;
    await execInPod(this.cluster, { namespace: names.home, pod: name, container }, ["true"]);
    return { readyMs, answeredMs: performance.now() - started };
  }

  /** A pod of the stack's sandbox, as it is or bare. */
  pod(kind: PodKind, name: string): V1Pod {
    return benchPod(kind, this.found.template, { namespace: names.home, name });
  }

  async createBare(name: string): Promise<void> {
    const body = this.pod("bare", name);
    await this.cluster.core.createNamespacedPod({ namespace: names.home, body });
  }

  /** An idle pod of the provisioner's pool, which is empty before and after. */
  async idlePod(): Promise<V1Pod> {
    await this.pool(1);
    const pod = await this.aPod(managedSelector);
    await this.pool(0);
    return pod;
  }

  /** One of the pods that a label selects. @throws Error if there is none */
  async aPod(labelSelector: string): Promise<V1Pod> {
    const { items } = await this.cluster.core.listNamespacedPod({ namespace: names.home, labelSelector });
    const [pod] = items;
    if (pod === undefined) throw new Error(`no pod has ${labelSelector}`);
    return pod;
  }

  /** Deletes a bare pod, which knows no signal, as gently as it can be, and waits until it is gone. */
  async removeBare(name: string): Promise<void> {
    await this.cluster.core.deleteNamespacedPod({ name, namespace: names.home, gracePeriodSeconds: 1 });
    await this.pods.until(name, "gone", (pod) => pod === undefined);
  }

  /** Deletes sandboxes and waits until their pods are gone. */
  async removeSandboxes(ids: readonly string[]): Promise<void> {
    const theirs = this.pods.names(({ metadata }) => ids.includes(metadata?.labels?.[SANDBOX_ID] ?? ""));
    await Promise.all(ids.map((id) => this.client.delete(id)));
    await Promise.all(theirs.map((pod) => this.pods.until(pod, "gone", (seen) => seen === undefined)));
  }

  /** What a program of the provisioner's own image prints in its container. */
  runBeside(command: string[]): Promise<string> {
    const place = {
      ...{ namespace: names.system, pod: manifests.provisionerName },
      container: manifests.provisionerContainer(this.found.deployment).name,
    };
    return execInPod(this.cluster, place, command);
  }

  /** Takes the policies away: thousands of addresses in them would keep the node busy with what is not measured. */
  async openWalls(): Promise<void> {
    await this.networking.deleteCollectionNamespacedNetworkPolicy({ namespace: names.home });
  }
}

/** What there is to be like. */
async function look({ core, apps }: Cluster, { home, system }: Model): Promise<Found> {
  const [deployment, sandbox, environments] = await Promise.all([
    apps.readNamespacedDeployment({ name: "provisioner", namespace: system }),
    apps.readNamespacedDeployment({ name: "sandbox", namespace: home }),
    core.listNamespacedConfigMap({ namespace: home, labelSelector: ENVIRONMENT }),
  ]);
  const wanted = manifests.variableOf(manifests.provisionerContainer(deployment), "DEFAULT_ENVIRONMENT");
  const found = environments.items.find(
    ({ metadata }) => metadata?.labels?.[ENVIRONMENT] === (wanted ?? "default"),
  );
  if (sandbox.spec === undefined || found === undefined)
    throw new Error(`namespace ${home} has no environment ${wanted ?? "default"}`);
  return { deployment, template: sandbox.spec.template, environment: found };
}

/** The environment with a pool of this size. */
function environment(of: V1ConfigMap, size: number, runtime?: manifests.Runtime): V1ConfigMap {
  const { metadata } = of;
  return {
    metadata: { name: metadata?.name, namespace: names.home, labels: metadata?.labels },
    data: { "environment.json": manifests.environmentRecord(recordOf(of), size, runtime) },
  };
}

function recordOf({ data }: V1ConfigMap): string {
  return data?.["environment.json"] ?? "{}";
}

/** Makes everything. @returns the provisioner's URL */
async function build(
  { core, config }: Cluster,
  model: Model,
  found: Found,
  { apiKey, address }: { apiKey: string; address: string },
): Promise<string> {
  const { home, system } = names;
  const networking = config.makeApiClient(NetworkingV1Api);
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const like: V1Namespace = await core.readNamespace({ name: model.home });
  const labels = Object.fromEntries(
    Object.entries(like.metadata?.labels ?? {}).filter(([key]) =>
      key.startsWith("pod-security.kubernetes.io/"),
    ),
  );
  await core.createNamespace({ body: { metadata: { name: home, labels } } });
  await core.createNamespace({ body: { metadata: { name: system } } });
  const { items } = await networking.listNamespacedNetworkPolicy({ namespace: model.home });
  for (const body of manifests.walls(items, model, names))
    await networking.createNamespacedNetworkPolicy({ namespace: home, body });

  const account = manifests.variableOf(
    manifests.provisionerContainer(found.deployment),
    "SANDBOX_SERVICE_ACCOUNT",
  );
  const accounts = new Set([account, found.template.spec?.serviceAccountName]);
  for (const name of accounts)
    if (name !== undefined && name !== "default")
      await core.createNamespacedServiceAccount({ namespace: home, body: { metadata: { name } } });
  await core.createNamespacedServiceAccount({
    namespace: system,
    body: { metadata: { name: manifests.provisionerName } },
  });
  const { rules } = await rbac.readNamespacedRole({ name: "provisioner", namespace: model.home });
  const { role, binding } = manifests.access(rules, names);
  await rbac.createNamespacedRole({ namespace: home, body: role });
  await rbac.createNamespacedRoleBinding({ namespace: home, body: binding });

  await core.createNamespacedConfigMap({ namespace: home, body: environment(found.environment, 0) });
  const service = await core.createNamespacedService({
    namespace: system,
    body: manifests.provisionerService(names),
  });
  const url = `http://${address}:${service.spec?.ports?.[0]?.nodePort ?? 0}`;
  const body = manifests.provisionerPod(found.deployment, names, {
    apiKey,
    maxSandboxes: fleetSize + spare,
    url,
  });
  await core.createNamespacedPod({ namespace: system, body });
  return url;
}

async function removeNamespaces({ core }: Cluster): Promise<void> {
  for (const name of [names.system, names.home])
    await core.deleteNamespace({ name }).catch((error: unknown) => {
      if (!(error instanceof ApiException && (error.code === 404 || error.code === 409))) throw error;
    });
}

/** Waits until nothing is left of an earlier run. */
async function gone({ core }: Cluster, signal: AbortSignal): Promise<void> {
  const end = performance.now() + patience.goneSeconds * 1000;
  while (performance.now() < end) {
    const { items } = await core.listNamespace();
    if (!items.some(({ metadata }) => Object.values(names).includes(metadata?.name ?? ""))) return;
    await sleep(1_000, undefined, { signal });
  }
  throw new Error(`the namespaces of an earlier run are not gone after ${patience.goneSeconds} seconds`);
}
