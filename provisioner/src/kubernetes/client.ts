// Requests to the API server. The library's own client makes a new TLS connection for each request; a claim has no time for that.
import { errors, Pool, type Dispatcher } from "undici";

import { attribute, endCall, startCall } from "../tracing/spans.js";
import { ClusterClock } from "./clock.js";
import type { Connection } from "./connection.js";
import { patiently, type Pace } from "./patience.js";
import { resourceOf } from "./resource.js";

/** An answer of the API server that is no success. `status` is 0 if there was none, or none that can be read. */
export class KubernetesError extends Error {
  override readonly name = "KubernetesError";

  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whether the API server said that there is no such object. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 404;

/** Whether it said that the object is there already, or is no longer what we took it for. */
export const isConflict = (error: unknown): boolean =>
  error instanceof KubernetesError && error.status === 409;

/** One request. */
export interface KubernetesRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Beginning with `/api` or `/apis`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /**
   * For how long trouble of the API server is waited out: for requests only that do no harm when they are carried out twice.
   * Milliseconds, or a signal that fires when whoever asked waits no longer; default: not at all.
   */
  readonly patience?: number | AbortSignal;
}

/** Told of every request that ended. */
export type Observer = (method: string, path: string, status: number, seconds: number) => void;

/** Whether the API server is in trouble, or could not be reached: the same request may succeed in a moment. */
export const isTrouble = ({ status }: KubernetesError): boolean =>
  status === 0 || status === 429 || status >= 500;

const timeoutMs = 10_000;
/** For undici: whoever is patient says itself when it is over. */
const endless = 0;
const pace: Pace = { silenceMs: timeoutMs, firstPauseMs: 50, longestPauseMs: 1_000 };
const headersLifeMs = 30_000;
/**
 * How long a stream may be silent before the kernel asks the other end whether it is there: a watch whose server or network has
 * gone without a word would look alive. Node asks ten times, a second apart, before the connection is broken
 * (https://docs.libuv.org/en/v1.x/tcp.html#c.uv_tcp_keepalive).
 */
const keepAliveMs = 5_000;

/** A client of one API server, over connections that stay open. */
export class KubernetesClient {
  readonly #connection: Connection;
  readonly #host: string;
  readonly #pool: Pool;
  /** Watches and logs keep their connections for long: they must not wait for each other or hold up requests. */
  readonly #streams: Pool;
  readonly #observe: Observer;
  readonly #clock: ClusterClock;
  #headers: Promise<Record<string, string>> | undefined;
  #headersAt = 0;

  /** @param clock learns what time it is from every answer */
  constructor(connection: Connection, observe: Observer = () => undefined, clock = new ClusterClock()) {
    const connect = { ...connection.tls, timeout: timeoutMs };
    this.#connection = connection;
    this.#host = new URL(connection.origin).hostname;
    this.#observe = observe;
    this.#clock = clock;
    this.#pool = new Pool(connection.origin, {
      connections: 64,
      connect,
      keepAliveTimeout: 60_000,
    });
    this.#streams = new Pool(connection.origin, {
      connect: { ...connect, keepAlive: true, keepAliveInitialDelay: keepAliveMs },
    });
  }

  /** The parsed answer. @throws KubernetesError if it is no success or there is none, with the trouble that was the last. */
  request<T>(request: KubernetesRequest): Promise<T> {
    const { patience = 0, signal } = request;
    if (patience === 0) return this.#requestOnce<T>(request);
    return patiently({
      send: (stop) =>
        this.#requestOnce<T>(
          { ...request, signal: signal === undefined ? stop : AbortSignal.any([signal, stop]) },
          endless,
        ),
      over: typeof patience === "number" ? AbortSignal.timeout(patience) : patience,
      pace,
      mayPass: (error) => error instanceof KubernetesError && isTrouble(error),
      silent: () => new KubernetesError(0, "Timeout", "the API server does not answer: it keeps silent"),
    });
  }

  async #requestOnce<T>(request: KubernetesRequest, headersTimeout = timeoutMs): Promise<T> {
    const { statusCode, body } = await this.#send(this.#pool, request, {
      headersTimeout,
      bodyTimeout: timeoutMs,
    });
    const text = await textOf(body, request.signal);
    if (statusCode >= 300) throw failure(statusCode, text);
    return parsed(text) as T;
  }

  /**
   * The answer as it arrives. `silenceMs` ends it when nothing came for so long.
   * @throws KubernetesError if it is no success or there is none.
   */
  async stream(request: KubernetesRequest, silenceMs: number): Promise<Dispatcher.ResponseData["body"]> {
    const { statusCode, body } = await this.#send(this.#streams, request, {
      headersTimeout: timeoutMs,
      bodyTimeout: silenceMs,
    });
    if (statusCode >= 300) throw failure(statusCode, await textOf(body, request.signal));
    return body;
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#streams.destroy()]);
  }

  async #send(
    pool: Pool,
    request: KubernetesRequest,
    timeouts: { headersTimeout: number; bodyTimeout: number },
  ): Promise<Dispatcher.ResponseData> {
    const { method, path, query, body, contentType = "application/json", signal } = request;
    const started = performance.now();
    const asked = this.#clock.steadyMs;
    const span = startCall(`${method} ${resourceOf(path)}`, {
      [attribute.method]: method,
      [attribute.resource]: resourceOf(path),
      [attribute.host]: this.#host,
    });
    let status = 0;
    try {
      const response = await pool.request({
        method,
        path: this.#connection.prefix + path,
        query: query ?? {},
        body: body === undefined ? null : JSON.stringify(body),
        // The API server takes a body with a DELETE too; undici would close the connection after one.
        reset: false,
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": contentType }),
          ...(await this.#authorization()),
        },
        ...timeouts,
        signal: signal ?? null,
      });
      status = response.statusCode;
      this.#clock.hear(response.headers["date"], asked);
      return response;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const message = error instanceof Error ? error.message : String(error);
      const reason = error instanceof errors.HeadersTimeoutError ? "Timeout" : "Unreachable";
      throw new KubernetesError(0, reason, `the API server does not answer: ${message}`, { cause: error });
    } finally {
      endCall(span, status);
      this.#observe(method, path, status, (performance.now() - started) / 1000);
    }
  }

  #authorization(): Promise<Record<string, string>> {
    const now = performance.now();
    if (this.#headers === undefined || now - this.#headersAt > headersLifeMs) {
      this.#headersAt = now;
      this.#headers = this.#connection.headers();
      // A failure is not kept: the next request asks again.
      this.#headers.catch(() => {
        this.#headers = undefined;
      });
    }
    return this.#headers;
  }
}

/** @throws KubernetesError if it breaks off: what is known of the answer by then is not all of it, so there was none. */
async function textOf(
  body: Dispatcher.ResponseData["body"],
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    return await body.text();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new KubernetesError(0, "BrokenAnswer", `the API server's answer broke off: ${message}`, {
      cause: error,
    });
  }
}

/** @throws KubernetesError if it is no JSON, as of a proxy on the way: the API server itself always answers JSON. */
function parsed(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new KubernetesError(0, "BrokenAnswer", "the answer of the API server is no JSON", { cause: error });
  }
}

function failure(status: number, text: string): KubernetesError {
  let reason = "";
  let message = text.slice(0, 500);
  try {
    const parsed = JSON.parse(text) as { reason?: string; message?: string };
    reason = parsed.reason ?? "";
    message = parsed.message ?? message;
  } catch {
    // A proxy on the way may answer with a page; its text is the message.
  }
  return new KubernetesError(status, reason, message);
}
