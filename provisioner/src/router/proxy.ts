// HTTP to a sandbox: both bodies are passed on as they come, at the pace of the slower side, and redirects are not followed.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, type Readable } from "node:stream";

import type { Dispatcher } from "undici";

import { whenOver } from "../http/response-over.js";
import { urlHost } from "../model/url-host.js";
import { responseHeaders } from "./headers.js";
import { refuse, type Refusal } from "./refusal.js";
import { callerGone, failure, type Cut, type Upstream } from "./upstream.js";

/** A request that waits for its answer is use, however long a command runs. */
const waitingTouchMs = 10_000;

/** Passes a request on and its answer back. Returns what cuts it. */
export function proxy(request: IncomingMessage, response: ServerResponse, upstream: Upstream): Cut {
  const relay = new Relay(response, upstream);
  const { target, address, port, headers } = upstream;
  const body = bodyOf(request, upstream);
  upstream.agent.dispatch(
    {
      origin: `http://${urlHost(address)}:${port}`,
      path: target.path,
      method: request.method ?? "GET",
      headers: body === null ? headers : { ...headers, ...lengthOf(request) },
      body,
      // Users' servers close idle connections when they like; only the sandbox's own is known to keep them.
      reset: target.port !== undefined,
    },
    relay,
  );
  return (why) => {
    relay.cut(why);
  };
}

function lengthOf({ headers }: IncomingMessage): Record<string, string> {
  const length = headers["content-length"];
  return length === undefined ? {} : { "content-length": length };
}

function bodyOf(request: IncomingMessage, upstream: Upstream): Readable | null {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (coding === undefined && (length === undefined || length === "0")) return null;
  request.on("data", () => {
    upstream.touch();
  });
  // A stream of its own, because the client breaks off a failed one and with it the caller's connection and our answer.
  const body = new PassThrough();
  // Whoever passes it on may be done with it, as after an early answer; then nobody else hears that the caller broke it off.
  body.on("error", () => undefined);
  request.pipe(body);
  request.once("close", () => {
    if (!request.complete) body.destroy(new Error("the caller has gone"));
  });
  return body;
}

/**
 * Headers as Node writes them, a byte for each character: undici has read them as UTF-8, and a name of a file that is not in
 * ASCII would be refused as no header.
 */
function byteForByte(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[] | undefined> {
  const bytes = (text: string): string =>
    /[^\0-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === "string" ? bytes(value) : value?.map(bytes),
    ]),
  );
}

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  readonly #upstream: Upstream;
  readonly #waiting: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #aborted: Error | undefined;
  #why: Refusal | undefined;
  #sent = false;
  #over = false;

  constructor(response: ServerResponse, upstream: Upstream) {
    this.#response = response;
    this.#upstream = upstream;
    this.#waiting = setInterval(() => {
      upstream.touch();
    }, waitingTouchMs).unref();
    whenOver(response, () => {
      if (!response.writableFinished) this.#abort(new Error("the caller has gone"));
      this.#end(response.headersSent ? response.statusCode : callerGone);
    });
  }

  /** Ends it from outside; by default because the sandbox has gone. */
  cut(why?: Refusal): void {
    this.#why = why;
    this.#abort(new Error(why?.detail ?? "the sandbox has gone"));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted !== undefined) controller.abort(this.#aborted);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    clearInterval(this.#waiting);
    this.#upstream.touch();
    this.#response.writeHead(status, responseHeaders(byteForByte(headers), this.#upstream.target));
    // Alone only if nothing follows at once: a stream's caller must not wait for its first event.
    setImmediate(() => {
      if (!this.#sent) this.#response.flushHeaders();
    });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#sent = true;
    this.#upstream.touch();
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once("drain", () => {
      controller.resume();
    });
  }

  onResponseEnd(): void {
    this.#sent = true;
    this.#response.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#sent = true;
    if (this.#response.headersSent || this.#response.destroyed) {
      // What was sent cannot be taken back; the caller sees that it is not whole.
      this.#response.destroy();
      return;
    }
    const refusal = this.#why ?? failure(this.#upstream, error);
    this.#end(refusal.status, refusal.reason);
    refuse(this.#response, refusal);
  }

  #abort(reason: Error): void {
    this.#aborted = reason;
    this.#controller?.abort(reason);
  }

  #end(status: number, reason?: string): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#waiting);
    this.#upstream.touch();
    this.#upstream.ended(status, reason);
  }
}
