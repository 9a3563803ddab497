// A small client of the Docker Engine API over a socket, a pipe, TCP or TLS. dockerode does more than is needed here and
// would double the time in which the plugin starts.
import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

import type { Endpoint } from "./endpoint.js";

/** The newest version 1.x of the API that this client was written for, and the oldest that knows all it uses. */
const newestApi = 48;
const oldestApi = 40;

/** How long an engine has to say that it is there, in milliseconds. */
const connectTimeoutMs = 10_000;

/** An answer of the engine that is not a success. */
export class EngineError extends Error {
  override readonly name = "EngineError";

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** What goes with a request. */
export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON, or as it is when bytes. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A Docker engine. Finds out on first use whether it is there and which version of the API it speaks. */
export class Engine {
  private prefix: Promise<string> | undefined;

  constructor(private readonly endpoint: Endpoint) {}

  /** The answer's JSON. */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const body = await this.bytes(method, path, options);
    return (body.length === 0 ? undefined : JSON.parse(body.toString("utf8"))) as T;
  }

  /** The answer's JSON, or undefined when the engine does not know the thing. */
  async find<T>(path: string, options: RequestOptions = {}): Promise<T | undefined> {
    try {
      return await this.json<T>("GET", path, options);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** The answer's body. */
  async bytes(method: string, path: string, options: RequestOptions = {}): Promise<Buffer> {
    const response = await this.send(method, (await this.versionPrefix()) + path, options);
    return readAll(response);
  }

  /** Each JSON line of a long answer, as it comes. */
  async *lines(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): AsyncGenerator<Record<string, unknown>> {
    const response = await this.send(method, (await this.versionPrefix()) + path, options);
    let rest = "";
    response.setEncoding("utf8");
    for await (const chunk of response as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as Record<string, unknown>;
    }
    if (rest.trim() !== "") yield JSON.parse(rest) as Record<string, unknown>;
  }

  private versionPrefix(): Promise<string> {
    this.prefix ??= this.negotiate().catch((error: unknown) => {
      this.prefix = undefined;
      throw error;
    });
    return this.prefix;
  }

  private async negotiate(): Promise<string> {
    const signal = AbortSignal.timeout(connectTimeoutMs);
    const response = await this.send("GET", "/version", { signal });
    const version = JSON.parse((await readAll(response)).toString("utf8")) as VersionResponse;
    return `/v${chooseApiVersion(version)}`;
  }

  private async send(method: string, path: string, options: RequestOptions): Promise<http.IncomingMessage> {
    const { body, query, headers, signal } = options;
    const raw = Buffer.isBuffer(body);
    const payload = body === undefined ? undefined : raw ? body : Buffer.from(JSON.stringify(body));
    const response = await this.request(
      {
        method,
        path: path + queryString(query),
        headers: {
          ...(payload === undefined
            ? {}
            : {
                "content-type": raw ? "application/x-tar" : "application/json",
                "content-length": payload.length,
              }),
          ...headers,
        },
        ...(signal === undefined ? {} : { signal }),
      },
      payload,
    );
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    throw new EngineError(status, messageOf((await readAll(response)).toString("utf8"), status));
  }

  private request(options: http.RequestOptions, payload: Buffer | undefined): Promise<http.IncomingMessage> {
    const { connection } = this.endpoint;
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => {
        reject(this.unreachable(error, options.signal));
      };
      const base = { ...options, agent: false as const };
      let request: http.ClientRequest;
      if ("socketPath" in connection)
        request = http.request({ ...base, socketPath: connection.socketPath }, resolve);
      else if (connection.tls === undefined) {
        request = http.request({ ...base, host: connection.host, port: connection.port }, resolve);
      } else {
        request = https.request(
          { ...base, host: connection.host, port: connection.port, ...connection.tls },
          resolve,
        );
      }
      request.on("error", onError);
      request.end(payload);
    });
  }

  private unreachable(error: Error, signal: AbortSignal | undefined): Error {
    const reason: unknown = signal?.aborted === true ? signal.reason : undefined;
    if (reason instanceof Error && reason.name !== "TimeoutError") return reason;
    const { code } = error as NodeJS.ErrnoException;
    const why = reason instanceof Error ? "it did not answer in time" : (code ?? error.message);
    return new Error(
      `Cannot reach Docker at ${this.endpoint.address} (${this.endpoint.origin}): ${why}. ${remedyFor(code)}`,
      { cause: error },
    );
  }
}

function remedyFor(code: string | undefined): string {
  if (code === "EACCES")
    return "Add yourself to the group that owns the socket (usually docker), or run as root";
  return "Start Docker, or set DOCKER_HOST to the engine to use; `docker info` tells whether it answers";
}

interface VersionResponse {
  ApiVersion: string;
  MinAPIVersion?: string;
}

/**
 * The version of the API to speak with an engine: the newest that both know.
 * @throws Error when there is none.
 */
export function chooseApiVersion({ ApiVersion, MinAPIVersion }: VersionResponse): string {
  const newest = minor(ApiVersion);
  if (newest < oldestApi) {
    throw new Error(
      `This Docker engine speaks version ${ApiVersion} of its API; needed is 1.${oldestApi} (Docker 19.03) or newer`,
    );
  }
  return `1.${Math.max(Math.min(newest, newestApi), minor(MinAPIVersion ?? "1.0"))}`;
}

function minor(version: string): number {
  return Number(version.split(".")[1] ?? 0);
}

function queryString(query: RequestOptions["query"]): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {}))
    if (value !== undefined) params.set(key, String(value));
  return params.size === 0 ? "" : `?${params.toString()}`;
}

async function readAll(response: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function messageOf(body: string, status: number): string {
  try {
    const { message } = JSON.parse(body) as { message?: string };
    if (message !== undefined && message !== "") return message;
  } catch {
    // Not JSON: the text itself.
  }
  return body.trim() === "" ? `Docker answered with status ${status}` : body.trim();
}

/**
 * Does `work` again while it fails because the thing is still in use, for `limitMs` at most; then the last error goes on.
 * What is gone already counts as done.
 */
export async function removeWhenFree(
  work: () => Promise<unknown>,
  signal: AbortSignal,
  limitMs: number,
): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.status === 404) return;
      const busy = error.status === 409 || /active endpoints|in use|in progress/.test(error.message);
      if (!busy || performance.now() >= end) throw error;
    }
    await sleep(retryMs, undefined, { signal });
  }
}

const retryMs = 300;
