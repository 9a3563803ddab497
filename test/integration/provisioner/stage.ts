// Where the provisioner is tried for real: a namespace of its own in a stack's cluster or another one, with the walls of the
// platform, and the provisioner as a process outside the cluster.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { CoreV1Api, KubeConfig, NetworkingV1Api, type V1Pod } from "@kubernetes/client-node";
import { execa } from "execa";

import { allowClients, denyAll } from "../../../components/sandbox-network-policies/policies.js";
import { projectRoot } from "../support/cluster.js";

export const apiKey = "integration-0123456789abcdef";

/** The stack whose cluster is used. */
const stack = process.env["SANDLOT_TEST_STACK"] ?? "test";
export const kubeconfigPath = resolve(projectRoot, ".sandlot/stacks", stack, "kubeconfig");

/** A cluster, by the container of its node. */
export interface Site {
  readonly node: string;
  readonly kubeconfig: string;
}

const stackSite: Site = { node: `sandlot-${stack}`, kubeconfig: kubeconfigPath };
const managed = "app.kubernetes.io/managed-by=sandlot-provisioner";

/** What a call was answered. */
export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
}

/** A provisioner that can be asked. */
export class Asked {
  constructor(readonly url: string) {}

  /** The caller knows what the answer is, and says so. */
  async call<T>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        "x-api-key": apiKey,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (response.headers.get("content-type") ?? "").includes("json")
      ? (JSON.parse(text) as T)
      : (text as T);
    return { status: response.status, body: parsed, headers: response.headers };
  }
}

/** One process of the provisioner. */
export class Replica extends Asked {
  private constructor(
    url: string,
    readonly process: ChildProcess,
  ) {
    super(url);
  }

  static async start(variables: Record<string, string>): Promise<Replica> {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", resolve(projectRoot, "provisioner/src/main.ts")],
      {
        env: { PATH: process.env["PATH"], ...variables },
        cwd: projectRoot,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const url = await new Promise<string>((resolveUrl, reject) => {
      child.once("exit", () => {
        reject(new Error("the provisioner ended"));
      });
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        const found = /Server listening at (http:\/\/[^"]+)/.exec(text);
        if (found?.[1] !== undefined) resolveUrl(found[1]);
        // Why a call was not carried out is in the log alone.
        for (const line of chunk.toString().split("\n"))
          if (line.includes('"not carried out"')) console.error(line);
      });
    });
    return new Replica(url, child);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill(signal);
    await ended;
  }
}

/** What the shared sandboxes of the stack run, and in what. */
export async function sharedSandbox(): Promise<{ image: string; runtimeClassName: string | undefined }> {
  const config = new KubeConfig();
  config.loadFromFile(stackSite.kubeconfig);
  const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({
    namespace: "sandlot",
    labelSelector: "app.kubernetes.io/component=sandbox",
  });
  const spec = items[0]?.spec;
  const image = process.env["SANDLOT_TEST_IMAGE"] ?? spec?.containers[0]?.image;
  assert.ok(image !== undefined, "the stack has no shared sandbox to take the image from");
  return { image, runtimeClassName: spec?.runtimeClassName };
}

export class Stage {
  readonly core: CoreV1Api;
  readonly #config: KubeConfig;
  #nodeHost = "";
  #replica: Replica | undefined;

  constructor(
    readonly namespace: string,
    readonly site = stackSite,
  ) {
    this.#config = new KubeConfig();
    this.#config.loadFromFile(site.kubeconfig);
    this.core = this.#config.makeApiClient(CoreV1Api);
  }

  /**
   * Makes the namespace with its walls and one environment with a pool of `size`. Clients are this machine's processes, and
   * containers in the node's network if `containers` says so.
   */
  async set(size: number, { containers = false } = {}): Promise<void> {
    const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.Gateway}} {{.IPPrefixLen}}{{end}}";
    const { stdout } = await execa("docker", ["inspect", "-f", format, this.site.node]);
    const [address = "", gateway = "", length = ""] = stdout.trim().split(" ");
    this.#nodeHost = address;
    const { namespace } = this;
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    await this.core.createNamespace({ body: { metadata: { name: namespace, labels } } });
    const walls = {
      "deny-all": denyAll(),
      "allow-clients": allowClients([{ cidr: `${gateway}/${containers ? length : "32"}` }]),
    };
    const networking = this.#config.makeApiClient(NetworkingV1Api);
    for (const [name, spec] of Object.entries(walls))
      await networking.createNamespacedNetworkPolicy({
        namespace,
        body: { metadata: { name }, spec: spec as never },
      });
    await this.environment(size);
  }

  /** Writes the environment `default`; its image and runtime are those of the shared sandbox. */
  async environment(size: number): Promise<void> {
    const shared = await sharedSandbox();
    const record = {
      ...{
        version: 1,
        name: "default",
        image: shared.image,
        imagePullPolicy: "IfNotPresent",
      },
      ...{
        imagePullSecrets: [],
        runtimeClassName: shared.runtimeClassName,
        egress: "blocked",
        env: {},
        secrets: [],
      },
      resources: {
        requests: { cpu: "5m", memory: "32Mi", "ephemeral-storage": "32Mi" },
        limits: { cpu: "1", memory: "512Mi", "ephemeral-storage": "1Gi" },
      },
      pool: { size },
    };
    const metadata = {
      name: "sandbox-environment-default",
      labels: { "sandlot.dev/environment": "default" },
    };
    const body = { metadata, data: { "environment.json": JSON.stringify(record) } };
    const { namespace } = this;
    await this.core
      .createNamespacedConfigMap({ namespace, body })
      .catch(() => this.core.replaceNamespacedConfigMap({ namespace, name: metadata.name, body }));
  }

  /** Starts the provisioner as a process outside the cluster. */
  async start(more: Record<string, string> = {}): Promise<void> {
    this.#replica = await this.replica(more);
  }

  /** Starts one more process; it has to be killed by whoever starts it. */
  replica(more: Record<string, string> = {}): Promise<Replica> {
    return Replica.start({
      ...{
        KUBECONFIG_PATH: this.site.kubeconfig,
        K8S_NAMESPACE: this.namespace,
        NODE_HOST: this.#nodeHost,
        // As a stack says: the namespace's Pod Security lets in no pod with a folder of its node.
        HOST_PATH_MOUNTS: "false",
      },
      ...{ PROVISIONER_API_KEY: apiKey, HOST: "127.0.0.1", PORT: "0", METRICS_PORT: "0" },
      ...more,
    });
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#replica?.kill(signal);
    this.#replica = undefined;
  }

  /** Where ports of the node are reached. */
  get nodeHost(): string {
    return this.#nodeHost;
  }

  /** Where the provisioner is. */
  get url(): string {
    return this.#running.url;
  }

  /** The caller knows what the answer is, and says so. */
  call<T>(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.#running.call<T>(method, path, body, headers);
  }

  get #running(): Replica {
    assert.ok(this.#replica !== undefined, "no provisioner runs");
    return this.#replica;
  }

  async pods(): Promise<V1Pod[]> {
    const { items } = await this.core.listNamespacedPod({
      namespace: this.namespace,
      labelSelector: managed,
    });
    return items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  }

  /** Waits until the pool has `size` Ready pods that the provisioner sees. */
  async full(size: number, seconds = 90): Promise<void> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const { body } = await this.call<{ items: { pool: { ready: number } }[] }>("GET", "/v1/environments");
      if (body.items[0]?.pool.ready === size) return;
      if (performance.now() > end) throw new Error(`no ${size} Ready pods: ${JSON.stringify(body)}`);
      await sleep(100);
    }
  }

  /** Requests that changed pods so far, as the API server counts them, by `VERB` or `VERB subresource`. */
  async podWrites(): Promise<Map<string, number>> {
    const { stdout } = await execa("docker", [
      ...["exec", this.site.node, "kubectl", "get", "--raw", "/metrics"],
    ]);
    const counts = new Map<string, number>();
    for (const line of stdout.split("\n")) {
      const found = /^apiserver_request_total\{(.*)\} (\S+)$/.exec(line);
      const label = (name: string): string =>
        new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(found?.[1] ?? "")?.[1] ?? "";
      const verb = label("verb");
      if (label("resource") !== "pods" || !["POST", "PATCH", "PUT", "DELETE"].includes(verb)) continue;
      const key = `${verb} ${label("subresource")}`.trim();
      counts.set(key, (counts.get(key) ?? 0) + Number(found?.[2]));
    }
    return counts;
  }

  async strike(): Promise<void> {
    await this.kill("SIGTERM");
    await this.core.deleteNamespace({ name: this.namespace });
  }
}
