// A router on a free port of this machine, with a directory that tests fill, and raw requests that no client would send.
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";

import Fastify, { type FastifyInstance } from "fastify";
import { Registry } from "prom-client";

import { Connections } from "../../../../provisioner/src/core/connections.js";
import { Tokens } from "../../../../provisioner/src/core/tokens.js";
import { type RoutedSandbox, router } from "../../../../provisioner/src/router/index.js";

/** API keys by tenant. */
export const apiKeys: Record<string, string> = { alpha: "key-of-tenant-alpha", beta: "key-of-tenant-beta" };

export const tokens = new Tokens(Buffer.alloc(32, 7));

/** A sandbox that runs, with what a test cares about. With `hostIP`, only its own port is reached. */
export function sandbox(fields: Partial<RoutedSandbox> & Pick<RoutedSandbox, "id">): RoutedSandbox {
  return {
    tenant: "alpha",
    podName: `pod-${fields.id}`,
    podUid: `uid-${fields.id}`,
    podIP: "127.0.0.1",
    hostIP: undefined,
    port: 8080,
    state: "running",
    guarded: true,
    ...fields,
  };
}

/** What the router is told of sandboxes. */
export class FakeDirectory {
  readonly #sandboxes = new Map<string, RoutedSandbox>();
  readonly #listeners = new Set<(sandbox: RoutedSandbox, gone: boolean) => void>();
  /** How often somebody began to listen: each request that waits does. */
  listened = 0;

  put(one: RoutedSandbox): RoutedSandbox {
    this.#sandboxes.set(one.podUid, one);
    for (const listener of this.#listeners) listener(one, false);
    return one;
  }

  remove(one: RoutedSandbox): void {
    this.#sandboxes.delete(one.podUid);
    for (const listener of this.#listeners) listener(one, true);
  }

  get(tenant: string, id: string): RoutedSandbox | undefined {
    return this.withId(id).find((one) => one.tenant === tenant);
  }

  withId(id: string): readonly RoutedSandbox[] {
    return [...this.#sandboxes.values()].filter((one) => one.id === id);
  }

  unsure(): boolean {
    return false;
  }

  onChange(listener: (sandbox: RoutedSandbox, gone: boolean) => void): () => void {
    this.listened += 1;
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export interface RunningRouter {
  app: FastifyInstance;
  directory: FakeDirectory;
  registry: Registry;
  port: number;
  url: string;
  /** Ids of sandboxes in the order of their use. */
  touched: string[];
  logs: string[];
  stop(): Promise<void>;
}

/** Starts a router. */
export async function startRouter(hostSuffix?: string, drainMs = 0): Promise<RunningRouter> {
  const directory = new FakeDirectory();
  const registry = new Registry();
  const touched: string[] = [];
  const logs: string[] = [];
  const app = Fastify({
    logger: { level: "debug", stream: { write: (line: string) => void logs.push(line) } },
  });
  await app.register(router, {
    directory,
    registry,
    tokens,
    connections: new Connections(),
    hostSuffix,
    drainMs,
    wayTo: ({ podIP, hostIP, port: own }, port) => {
      if (hostIP !== undefined && port !== own) return "none";
      return podIP === undefined ? undefined : { address: podIP, port };
    },
    activity: { touch: ({ id }) => void touched.push(id) },
    authenticate: (key) => {
      const [tenant] = Object.entries(apiKeys).find(([, one]) => one === key) ?? [];
      return tenant === undefined ? undefined : { tenant };
    },
  });
  app.get("/api/sandboxes", () => ({ api: true }));
  await app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = app.server.address() as AddressInfo;
  return {
    app,
    directory,
    registry,
    port,
    url: `http://127.0.0.1:${port}`,
    touched,
    logs,
    stop: () => app.close(),
  };
}

/** Opens a connection for what is written by hand. */
export async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** Sends a request as it is and returns all that comes back until the connection ends or is silent. */
export async function raw(port: number, text: string, silenceMs = 2000): Promise<string> {
  const socket = await open(port);
  let answer = "";
  socket.setTimeout(silenceMs, () => socket.destroy());
  socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  socket.write(text, "latin1");
  await closed;
  return answer;
}

/** The status of an answer that came by `raw`. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}

/** Waits until `check` holds. */
export async function until(
  check: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 30_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
