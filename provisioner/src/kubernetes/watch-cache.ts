// A copy of a kind of objects that follows the API server: listed once, then watched; listed again only when the server no
// longer knows the point where we were.
import { setTimeout as sleep } from "node:timers/promises";

import { KubernetesError, type KubernetesClient } from "./client.js";
import { withoutManagedFields } from "./slim.js";

/** The part of every object that the cache needs. */
export interface KubernetesObject {
  metadata?: {
    name?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
  };
}

/** Told of every change, after the cache has it. `gone` objects come as they were last. */
export type ChangeListener<T> = (object: T, gone: boolean) => void;

/** What to watch. */
export interface WatchTarget {
  /** Such as `/api/v1/namespaces/sandlot/pods`. */
  readonly path: string;
  readonly labelSelector: string;
}

/** What the cache tells of itself. */
export interface WatchEvents {
  /** A watch was cut or refused; it is tried again. */
  onTrouble?(target: WatchTarget, error: unknown): void;
  onList?(target: WatchTarget): void;
}

interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T & { code?: number; message?: string };
}

interface List<T> {
  metadata: { resourceVersion: string; continue?: string };
  items: T[];
}

const pageSize = 500;
/**
 * A watch that is silent for so long is opened again, whatever the socket says. Servers send a bookmark about each minute, but
 * promise none (https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks): one that sends none loses nothing
 * by it. Connections whose other end is gone are found sooner (./client.ts).
 */
const silenceMs = 90_000;
/** The server of a watch that stood for so long was well: whatever ended that watch was no failure after failures. */
const settledMs = 30_000;
/** A watch that ended sooner than this and told of nothing has failed, although it was answered: none is asked for so short a time. */
const shortMs = 1_000;
/** A watch tells first of what was missed before it was opened; when it has stood for so long, that has come. */
const missedMs = 5_000;
/** The longest pause between attempts: until one succeeds, sandboxes that were lost stay so, however well the server is again. */
const longestPauseMs = 10_000;
const tombstoneMs = 300_000;

/** The copy. */
export class WatchCache<T extends KubernetesObject> {
  readonly #client: KubernetesClient;
  readonly #target: WatchTarget;
  readonly #events: WatchEvents;
  readonly #slim: (object: T) => T;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<ChangeListener<T>>();
  /** What is gone must not come back by an answer that was on its way. */
  readonly #tombstones = new Map<string, number>();
  readonly #stopping = new AbortController();
  /** The version up to which everything has been seen. */
  #version = 0n;
  readonly #waiting = new Set<{ readonly version: bigint; readonly resume: () => void }>();
  /** Settled when it was listed and the watch stood, so that what is not in it is not there. */
  readonly synced: Promise<void>;
  #markSynced: () => void = () => undefined;
  #connected = false;
  #connectedAt = 0;
  #stoodUntil = performance.now();
  /** Attempts that failed since the server was last well. */
  #failures = 0;

  /** @param slim makes of an object what is kept of it; listeners are told of that */
  constructor(
    client: KubernetesClient,
    target: WatchTarget,
    events: WatchEvents = {},
    slim: (object: T) => T = withoutManagedFields,
  ) {
    this.#client = client;
    this.#target = target;
    this.#events = events;
    this.#slim = slim;
    this.synced = new Promise((resolve) => (this.#markSynced = resolve));
  }

  /** Whether the watch stands at this moment, so that what is seen is what is. */
  get connected(): boolean {
    return this.#connected;
  }

  /**
   * Whether what changes is told as it happens. What a watch tells first may have happened long before: as long as the one before it
   * was silent, because its server or network was gone.
   */
  get live(): boolean {
    return this.#connected && performance.now() - this.#connectedAt > missedMs;
  }

  /** How long no watch has stood that told of something or had the time to; 0 while one stands. Milliseconds. */
  get cutForMs(): number {
    return this.#connected ? 0 : performance.now() - this.#stoodUntil;
  }

  get(name: string): T | undefined {
    return this.#objects.get(name);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Listens until the returned function is called. */
  onChange(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes over an object that a write has returned, so that we see our own writes at once. */
  observe(object: T): void {
    this.#put(this.#slim(object));
  }

  /** Waits until everything up to this version has been seen, what was written before it as well, or until the end of patience. */
  caughtUp(version: string, patience: AbortSignal): Promise<void> {
    const wanted = numberOf(version);
    if (this.#version >= wanted || patience.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = (): void => {
        this.#waiting.delete(waiting);
        patience.removeEventListener("abort", resume);
        resolve();
      };
      const waiting = { version: wanted, resume };
      this.#waiting.add(waiting);
      patience.addEventListener("abort", resume);
    });
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    let resourceVersion: string | undefined;
    while (!this.#stopped()) {
      try {
        resourceVersion ??= await this.#list();
        for await (const version of this.#watch(resourceVersion)) {
          resourceVersion = version;
          this.#failures = 0;
        }
      } catch (error) {
        if (this.#stopped()) return;
        this.#events.onTrouble?.(this.#target, error);
        if (error instanceof KubernetesError && error.status === 410) {
          resourceVersion = undefined;
          if (this.#failures === 0) {
            this.#failures = 1;
            continue;
          }
        }
        this.#failures += 1;
        // Replicas that lost the server together must not all come back together.
        const most = Math.min(longestPauseMs, 250 * 2 ** Math.min(this.#failures, 7));
        await sleep(most / 2 + Math.random() * (most / 2), undefined, {
          signal: this.#stopping.signal,
        }).catch(() => undefined);
      }
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #list(): Promise<string> {
    const found = new Map<string, T>();
    let next: string | undefined;
    let version = "";
    do {
      const { path, labelSelector } = this.#target;
      const list = await this.#client.request<List<T>>({
        method: "GET",
        path,
        query: { labelSelector, limit: String(pageSize), ...(next === undefined ? {} : { continue: next }) },
        signal: this.#stopping.signal,
      });
      // Page by page, so that a long list is never there as a whole.
      for (const item of list.items) found.set(nameOf(item), this.#slim(item));
      next = list.metadata.continue === "" ? undefined : list.metadata.continue;
      version = list.metadata.resourceVersion;
    } while (next !== undefined);
    this.#events.onList?.(this.#target);
    for (const [name, object] of this.#objects) {
      // What we wrote after the list was made is newer than the list.
      if (!found.has(name) && !isNewer(object.metadata?.resourceVersion, version)) this.#remove(object);
    }
    for (const object of found.values()) this.#put(object);
    this.#advance(version);
    return version;
  }

  /** Yields the version to go on from, after each event. */
  async *#watch(from: string): AsyncGenerator<string> {
    const { path, labelSelector } = this.#target;
    const seconds = 240 + Math.floor(Math.random() * 120);
    const body = await this.#client.stream(
      {
        method: "GET",
        path,
        query: {
          labelSelector,
          watch: "true",
          allowWatchBookmarks: "true",
          resourceVersion: from,
          timeoutSeconds: String(seconds),
        },
        signal: this.#stopping.signal,
      },
      silenceMs,
    );
    this.#connected = true;
    this.#connectedAt = performance.now();
    let told = false;
    this.#markSynced();
    try {
      for await (const line of lines(body)) {
        const { type, object } = JSON.parse(line) as WatchEvent<T>;
        if (type === "ERROR")
          throw new KubernetesError(object.code ?? 0, "", object.message ?? "the watch failed");
        told = true;
        if (type === "ADDED" || type === "MODIFIED") this.#put(this.#slim(object));
        else if (type === "DELETED") this.#remove(object);
        const version = object.metadata?.resourceVersion;
        if (version === undefined) continue;
        this.#advance(version);
        yield version;
      }
      if (!told && performance.now() - this.#connectedAt < shortMs)
        throw new KubernetesError(0, "ShortWatch", "the watch ended at once, and told of nothing");
    } finally {
      this.#connected = false;
      const now = performance.now();
      if (told || now - this.#connectedAt > shortMs) this.#stoodUntil = now;
      if (now - this.#connectedAt > settledMs) this.#failures = 0;
    }
  }

  #advance(version: string): void {
    this.#version = numberOf(version);
    for (const waiting of this.#waiting) if (waiting.version <= this.#version) waiting.resume();
  }

  #put(object: T): void {
    const name = nameOf(object);
    const uid = object.metadata?.uid ?? "";
    if (this.#tombstones.has(uid)) return;
    const known = this.#objects.get(name);
    const same = known?.metadata?.uid === uid;
    if (same && !isNewer(object.metadata?.resourceVersion, known.metadata?.resourceVersion)) return;
    if (known !== undefined && !same) {
      // An object of the same name took its place: whichever is younger is the one that is.
      if (!isNewer(object.metadata?.resourceVersion, known.metadata?.resourceVersion)) return;
      this.#remove(known);
    }
    this.#objects.set(name, object);
    this.#tell(object, false);
  }

  #remove(object: T): void {
    const uid = object.metadata?.uid ?? "";
    const now = performance.now();
    for (const [old, since] of this.#tombstones) {
      if (now - since < tombstoneMs) break;
      this.#tombstones.delete(old);
    }
    this.#tombstones.set(uid, now);
    const name = nameOf(object);
    if (this.#objects.get(name)?.metadata?.uid !== uid) return;
    this.#objects.delete(name);
    this.#tell(object, true);
  }

  #tell(object: T, gone: boolean): void {
    for (const listener of this.#listeners) listener(object, gone);
  }
}

function nameOf(object: KubernetesObject): string {
  return object.metadata?.name ?? "";
}

/**
 * A version as a number: those of one kind of one server only grow, in the order of writes
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions).
 */
export function numberOf(version: string | undefined): bigint {
  return BigInt(version ?? "0");
}

/** Whether one version is later than another. */
function isNewer(one: string | undefined, other: string | undefined): boolean {
  return numberOf(one) > numberOf(other);
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line !== "") yield line;
  }
}
