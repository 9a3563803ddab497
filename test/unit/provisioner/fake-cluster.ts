// A Kubernetes API server in memory with as much of its behaviour as the provisioner stands on: names are unique, versions
// grow, patches are tested and applied as a whole, watches go on from a version or are told that it is too old. Pods become
// Ready by themselves, and requests can be made to fail before or after they had their effect.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import type { Connection } from "../../../provisioner/src/kubernetes/connection.js";

interface Stored {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { uid: string }[];
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
}

type Event = { kind: string; type: "ADDED" | "MODIFIED" | "DELETED"; object: Stored; version: number };

/** A watch, with what it was sent last: events keep their order. */
interface Watcher {
  /** Of those of pods, the first being 1. */
  number: number;
  readonly kind: string;
  readonly labels: string;
  readonly response: ServerResponse;
  sent: Promise<unknown> | undefined;
}

/**
 * What to do with a request: fail with a status, or do nothing at all; or after the effect lose the answer, cut it off in the middle,
 * or put a page of a proxy in its place.
 */
export type Fault =
  | { status: number; reason?: string; message?: string }
  | "no-answer"
  | "lose-answer"
  | "cut-answer"
  | "page"
  | undefined;

/** A request as it was. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Whether it is one of those that go on all the time, whatever callers ask for: of Leases, and watches. */
export const isUpkeep = ({ path, query }: SeenRequest): boolean =>
  path.includes("/leases") || query.get("watch") === "true";

const kinds = ["pods", "services", "configmaps", "leases", "events"];

export class FakeCluster {
  readonly requests: SeenRequest[] = [];
  /** How many connections were made to it. */
  connections = 0;
  /** Asked for each request. */
  fault: (request: SeenRequest) => Fault = () => undefined;
  /** Milliseconds until a pod is Ready; undefined: never. */
  startMs: number | undefined = 5;
  /** How far its clock is ahead: in answers, and in the times that it writes. Milliseconds. */
  aheadMs = 0;
  /** Milliseconds until a deleted pod is gone; undefined: never. */
  stopMs: number | undefined = 5;
  /** Milliseconds until the garbage collector removes what a pod that is gone owned. */
  collectMs = 0;
  /** The port of a sandbox's server, which all pods share at 127.0.0.1. */
  readonly #objects = new Map<string, Map<string, Stored>>(
    kinds.map((kind) => [kind, new Map<string, Stored>()]),
  );
  readonly #history: Event[] = [];
  /**
   * How long an event takes to the watch of pods that was opened as this one, 1 being the first, after the one before has come.
   * Milliseconds; 0: it is there at once.
   */
  lagMs: (watch: number) => number = () => 0;
  readonly #watchers = new Set<Watcher>();
  #podWatches = 0;
  readonly #server: Server;
  #version = 100;
  #oldest = 0;
  #uids = 0;
  readonly #name: string;
  readonly #podIP: string;

  /** @param name what UIDs begin with, so that those of two clusters differ; @param podIP where all its pods are */
  constructor(name = "uid", podIP = "127.0.0.1") {
    this.#name = name;
    this.#podIP = podIP;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on("connection", () => (this.connections += 1));
  }

  async start(): Promise<Connection> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    return {
      ...{ origin: `http://127.0.0.1:${port}`, prefix: "", tls: {}, inCluster: false },
      headers: () => Promise.resolve({}),
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  pods(): (V1Pod & Stored)[] {
    return [...this.#kind("pods").values()] as (V1Pod & Stored)[];
  }

  events(): Stored[] {
    return [...this.#kind("events").values()];
  }

  services(): Stored[] {
    return [...this.#kind("services").values()];
  }

  /** Pods that are not being deleted. */
  livePods(): (V1Pod & Stored)[] {
    return this.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Those of them that have an address, and so a server that answers. */
  readyPods(): (V1Pod & Stored)[] {
    return this.livePods().filter(({ status }) => status?.podIP !== undefined);
  }

  count(method: string, part: string): number {
    return this.requests.filter((one) => one.method === method && one.path.includes(part)).length;
  }

  /** Puts an object there as somebody else would. */
  put(kind: string, object: { metadata: { name: string } } & object): Stored {
    return this.#store(kind, object as Stored);
  }

  /** Changes a pod as the kubelet or anybody else would. */
  update(name: string, change: (pod: V1Pod & Stored) => void): void {
    const pod = this.#kind("pods").get(name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    const copy = structuredClone(pod);
    change(copy as V1Pod & Stored);
    this.#replace("pods", copy);
  }

  /** A pod that is gone at once, as when its node is. */
  lose(name: string): void {
    this.#drop("pods", name);
  }

  /** Cuts all watches; `forget` makes the server no longer know what was before. */
  cutWatches(forget = false): void {
    if (forget) this.#oldest = this.#version;
    for (const watcher of this.#watchers) watcher.response.destroy();
    this.#watchers.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fake");
    const seen = { method: request.method ?? "", path: url.pathname, query: url.searchParams };
    this.requests.push(seen);
    response.setHeader("date", this.#now().toUTCString());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const fault = this.fault(seen);
    if (typeof fault === "object") {
      const { status, reason = "", message = reason === "" ? "made to fail" : reason } = fault;
      send(response, status, { reason, message });
      return;
    }
    if (fault === "no-answer") return;
    const [, kind = "", name, part] =
      /\/namespaces\/[^/]+\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(url.pathname) ?? [];
    if (url.searchParams.get("watch") === "true") {
      this.#watch(kind, url.searchParams, response);
      return;
    }
    const body = text === "" ? undefined : (JSON.parse(text) as unknown);
    const [status, answer] = part === "log" ? [200, "a line\n"] : this.#act(seen, kind, name, body);
    if (fault === "lose-answer") response.destroy();
    else if (fault === "cut-answer") cut(response, status, answer);
    else if (fault === "page") send(response, status, "<html>one moment, please</html>");
    else send(response, status, answer);
  }

  #act(
    { method, query }: SeenRequest,
    kind: string,
    name: string | undefined,
    body: unknown,
  ): [number, unknown] {
    const objects = this.#kind(kind);
    const found = name === undefined ? undefined : objects.get(name);
    if (method === "POST") {
      const given = body as Stored;
      if (objects.has(given.metadata.name)) return [409, { reason: "AlreadyExists", message: "it is there" }];
      return [201, this.#store(kind, given)];
    }
    if (name === undefined) {
      const selected = [...objects.values()].filter((one) => selects(query.get("labelSelector") ?? "", one));
      return [200, { metadata: { resourceVersion: String(this.#version) }, items: selected }];
    }
    if (found === undefined) return [404, { reason: "NotFound", message: "it is not there" }];
    if (method === "GET") return [200, found];
    if (method === "PUT") {
      const given = body as Stored;
      if (given.metadata.resourceVersion !== found.metadata.resourceVersion)
        return [409, { reason: "Conflict" }];
      return [200, this.#replace(kind, structuredClone(given))];
    }
    if (method === "PATCH") {
      const patched = structuredClone(found);
      for (const { op, path, value } of body as { op: string; path: string; value: unknown }[]) {
        const keys = path
          .split("/")
          .slice(1)
          .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
        const last = keys.pop() ?? "";
        const place = keys.reduce<Record<string, unknown>>(
          (at, key) => at[key] as Record<string, unknown>,
          patched as never,
        );
        if (op === "test" && place[last] !== value)
          return [422, { reason: "Invalid", message: "a test failed" }];
        if (op === "add") place[last] = value;
      }
      return [200, this.#replace(kind, patched)];
    }
    const { preconditions } = (body ?? {}) as { preconditions?: { uid?: string; resourceVersion?: string } };
    const { uid, resourceVersion } = found.metadata;
    if (
      (preconditions?.uid ?? uid) !== uid ||
      (preconditions?.resourceVersion ?? resourceVersion) !== resourceVersion
    )
      return [409, { reason: "Conflict", message: "it is another" }];
    if (kind === "pods") this.#terminate(found);
    else this.#drop(kind, name);
    return [200, objects.get(name) ?? found];
  }

  #now(): Date {
    return new Date(Date.now() + this.aheadMs);
  }

  #terminate(pod: Stored): void {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const copy = structuredClone(pod);
    copy.metadata.deletionTimestamp = this.#now().toISOString();
    this.#replace("pods", copy);
    if (this.stopMs !== undefined)
      setTimeout(() => {
        this.#drop("pods", pod.metadata.name, pod.metadata.uid);
      }, this.stopMs);
  }

  #store(kind: string, given: Stored): Stored {
    const object = structuredClone(given);
    object.metadata = {
      ...object.metadata,
      uid: `${this.#name}-${(this.#uids += 1)}`,
      resourceVersion: "0",
      creationTimestamp: this.#now().toISOString(),
    };
    if (kind === "services")
      for (const port of (object.spec as { ports: { nodePort?: number }[] }).ports)
        port.nodePort = 30_000 + this.#uids;
    if (kind === "pods" && object.status === undefined) object.status = { phase: "Pending" };
    this.#kind(kind).set(object.metadata.name, object);
    this.#announce(kind, "ADDED", object);
    if (kind === "pods" && this.startMs !== undefined)
      setTimeout(() => {
        this.#becomeReady(object.metadata.name, object.metadata.uid);
      }, this.startMs);
    return object;
  }

  #becomeReady(name: string, uid: string): void {
    const pod = this.#kind("pods").get(name);
    if (pod?.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) return;
    this.update(name, (copy) => {
      copy.status = {
        ...readyStatus,
        podIP: this.#podIP,
        startTime: copy.metadata.creationTimestamp as unknown as Date,
        conditions: [
          { type: "Ready", status: "True", lastTransitionTime: this.#now().toISOString() as unknown as Date },
        ],
      };
    });
  }

  #replace(kind: string, object: Stored): Stored {
    this.#kind(kind).set(object.metadata.name, object);
    this.#announce(kind, "MODIFIED", object);
    return object;
  }

  #drop(kind: string, name: string, uid?: string): void {
    const object = this.#kind(kind).get(name);
    if (object === undefined || (uid !== undefined && object.metadata.uid !== uid)) return;
    this.#kind(kind).delete(name);
    this.#announce(kind, "DELETED", structuredClone(object));
    if (this.collectMs === 0) this.#collect(object);
    else
      setTimeout(() => {
        this.#collect(object);
      }, this.collectMs);
  }

  /** The garbage collector. */
  #collect({ metadata: { uid } }: Stored): void {
    for (const [name, service] of this.#kind("services"))
      if (service.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true)
        this.#drop("services", name);
  }

  #announce(kind: string, type: Event["type"], object: Stored): void {
    this.#version += 1;
    object.metadata.resourceVersion = String(this.#version);
    const event = { kind, type, object: structuredClone(object), version: this.#version };
    this.#history.push(event);
    for (const watcher of this.#watchers)
      if (watcher.kind === kind && selects(watcher.labels, object)) this.#send(watcher, line(event));
  }

  #watch(kind: string, query: URLSearchParams, response: ServerResponse): void {
    const from = Number(query.get("resourceVersion"));
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (from < this.#oldest) {
      response.end(`${JSON.stringify({ type: "ERROR", object: { code: 410, message: "too old" } })}\n`);
      return;
    }
    const labels = query.get("labelSelector") ?? "";
    for (const event of this.#history)
      if (event.kind === kind && event.version > from && selects(labels, event.object))
        response.write(line(event));
    const watcher: Watcher = { number: 0, kind, labels, response, sent: undefined };
    if (kind === "pods") watcher.number = this.#podWatches += 1;
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
  }

  #send(watcher: Watcher, text: string): void {
    const lag = watcher.kind === "pods" ? this.lagMs(watcher.number) : 0;
    if (lag === 0 && watcher.sent === undefined) {
      watcher.response.write(text);
      return;
    }
    const before = watcher.sent ?? Promise.resolve();
    const sent = before
      .then(() => sleep(lag, undefined, { ref: false }))
      .then(() => watcher.response.write(text))
      .finally(() => {
        if (watcher.sent === sent) watcher.sent = undefined;
      });
    watcher.sent = sent;
  }

  #kind(kind: string): Map<string, Stored> {
    const objects = this.#objects.get(kind);
    if (objects === undefined) throw new Error(`no kind ${kind}`);
    return objects;
  }
}

const readyStatus = {
  phase: "Running",
  containerStatuses: [
    { name: "sandbox", started: true, ready: true, restartCount: 0, image: "", imageID: "" },
  ],
};

function line({ type, object }: Event): string {
  return `${JSON.stringify({ type, object })}\n`;
}

/** `a=b,c=d` and `a` (exists). */
function selects(selector: string, { metadata }: Stored): boolean {
  return selector.split(",").every((part) => {
    const [key = "", value] = part.split("=");
    const label = metadata.labels?.[key];
    return selector === "" || (value === undefined ? label !== undefined : label === value);
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Sends the headers and half of the answer, and then no more. */
function cut(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": text.length });
  response.write(text.slice(0, text.length / 2), () => response.destroy());
}
