// Several provisioners on two fake clusters, `a` and `b`, each with a sandbox's server of its own.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readSettings } from "../../../provisioner/src/config/settings.js";
import { buildLog } from "../../../provisioner/src/log.js";
import { startProvisioner, type Provisioner } from "../../../provisioner/src/provisioner.js";
import { FakeCluster } from "./fake-cluster.js";
import { FakeSandbox } from "./fake-sandbox.js";
import { apiKey, type Replica } from "./house.js";

type Name = "a" | "b";

/** What a cluster gets. */
export type Shares = Partial<Record<Name, { weight?: number; drain?: boolean; maxSandboxes?: number }>>;

/** A replica that listens, so that the router can be tried. */
export interface ListeningReplica extends Replica {
  readonly url: string;
}

export class FleetHouse {
  readonly clusters = { a: new FakeCluster("a", "127.0.0.1"), b: new FakeCluster("b", "127.0.0.2") };
  readonly #sandboxes = { a: new FakeSandbox("a"), b: new FakeSandbox("b") };
  readonly #folder = mkdtempSync(join(tmpdir(), "sandlot-fleet-"));
  readonly #provisioners: Provisioner[] = [];
  #connections = new Map<string, Awaited<ReturnType<FakeCluster["start"]>>>();
  #port = 0;

  async open(): Promise<this> {
    for (const name of ["a", "b"] as const) this.#connections.set(name, await this.clusters[name].start());
    this.#port = await this.#sandboxes.a.start();
    await this.#sandboxes.b.start(this.#port, "127.0.0.2");
    return this;
  }

  /** Writes the file of clusters, which replicas look at while they run. */
  share(shares: Shares, file = "clusters.json"): string {
    const clusters = Object.entries(shares).map(([name, share]) => ({
      name,
      namespace: `in-${name}`,
      ...share,
    }));
    const path = join(this.#folder, file);
    writeFileSync(path, JSON.stringify({ version: 1, clusters }));
    return path;
  }

  /** Writes another file for a replica. */
  write(name: string, content: object): string {
    const path = join(this.#folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  async start(path: string, more: Record<string, string> = {}): Promise<ListeningReplica> {
    const settings = readSettings({
      ...{ PROVISIONER_API_KEY: apiKey, LOG_LEVEL: "fatal", SANDBOX_IMAGE: "example/sandbox:1" },
      ...{ SANDBOX_SERVICE_TYPE: "Router", ROUTER_URL: "http://router.test" },
      ...{ CLUSTERS_FILE: path, CLUSTER_LOST_SECONDS: "1" },
      ...{
        SANDBOX_CONTAINER_PORT: String(this.#port),
        READY_TIMEOUT_SECONDS: "2",
        API_PATIENCE_SECONDS: "0",
        // What a test leaves open is cut at its end.
        DRAIN_SECONDS: "1",
      },
      ...more,
    });
    const provisioner = await startProvisioner(settings, buildLog(settings.LOG_LEVEL), (name) => {
      const connection = this.#connections.get(name);
      if (connection === undefined) throw new Error(`no cluster ${name}`);
      return connection;
    });
    this.#provisioners.push(provisioner);
    await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = provisioner.app.server.address() as AddressInfo;
    return {
      ...{ provisioner, url: `http://127.0.0.1:${port}` },
      call: (method, url, body, headers = {}) =>
        provisioner.app.inject({
          ...{ method, url, headers: { "x-api-key": apiKey, ...headers } },
          ...(body === undefined ? {} : { payload: body }),
        }),
    };
  }

  /** Makes a cluster's API server refuse everything, and ends what is open. */
  lose(name: Name): void {
    this.clusters[name].fault = () => ({ status: 503 });
    this.clusters[name].cutWatches();
  }

  find(name: Name): void {
    this.clusters[name].fault = () => undefined;
  }

  /** Ids of the sandboxes of a cluster. */
  ids(name: Name): string[] {
    return this.clusters[name]
      .livePods()
      .flatMap(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] ?? [])
      .sort();
  }

  async end(): Promise<void> {
    this.find("a");
    this.find("b");
    await Promise.all(this.#provisioners.map((one) => one.stop()));
    await Promise.all(
      [this.clusters.a, this.clusters.b, this.#sandboxes.a, this.#sandboxes.b].map((one) => one.stop()),
    );
    rmSync(this.#folder, { recursive: true });
  }
}
