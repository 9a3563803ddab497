// From a request to the sandbox that it is for, or to a refusal: the same way for HTTP and for WebSocket.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

import type { FastifyBaseLogger } from "fastify";

import { mostOpen, mostShared } from "../core/connections.js";
import type { Way } from "../core/endpoints.js";
import { behindMs } from "../core/until-seen.js";
import { bound, traceFields } from "../tracing/spans.js";
import { admit, gone, outside, starting, unauthorized, unavailable } from "./access.js";
import { authorizationIsOwn, type Credential, credentialOf } from "./credentials.js";
import { requestHeaders } from "./headers.js";
import { type Kind, type RouterMetrics, routerMetrics } from "./metrics.js";
import type { RoutedSandbox, RouterOptions } from "./options.js";
import { proxy } from "./proxy.js";
import { Reachability } from "./reachability.js";
import { badRequest, endsConnection, notFound, refuse, refuseUpgrade, type Refusal } from "./refusal.js";
import { isRouted, parseTarget, type Target } from "./target.js";
import { endUpgrade, tracedPass, traceRefusal, tracedUpgrade } from "./traces.js";
import { tunnel } from "./tunnel.js";
import { callerGone, type Cut, type Upstream } from "./upstream.js";

/** Methods that are passed on. TRACE would show a caller what the router adds. */
export const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** How many headers a request may have. Node drops those behind the 2,000th without a word. */
const mostHeaders = 128;

const tooManyHeaders: Refusal = {
  status: 431,
  reason: "headers",
  detail: `a request may have ${mostHeaders} headers`,
};

const crowded: Refusal = {
  status: 429,
  reason: "crowded",
  detail: `too many requests are open: a sandbox may have ${mostOpen}, those of a tenant ${mostShared.ofTenant} together, and all ${mostShared.inAll}`,
  headers: { "retry-after": "1" },
};

const unreachable: Refusal = {
  status: 504,
  reason: "unreachable",
  detail: "the sandbox cannot be reached any more: its node may be lost",
};

/**
 * How long this replica may be behind another: with a sandbox that it does not know at all, or only one before it of the same id, and with
 * one that has no address.
 */
const patienceMs: ReadonlyMap<Refusal, number> = new Map([
  [notFound, behindMs],
  [gone, behindMs],
  [unavailable, behindMs],
  [starting, 2_000],
]);

/**
 * How many requests may wait behind one that is not decided yet, on the same connection. Clients that send requests without waiting
 * for answers send a few; each of them is kept in memory, and nobody knows yet who sends them.
 */
const mostBehind = 32;

/** How often it is looked whether the key that opened something still stands for the tenant. */
const revokedLookMs = 15_000;

interface Admitted {
  readonly target: Target;
  readonly credential: Credential;
  readonly sandbox: RoutedSandbox;
  readonly way: Way;
}

/** Routes requests to sandboxes. */
export class SandboxRouter {
  readonly #options: RouterOptions;
  readonly #log: FastifyBaseLogger;
  readonly #metrics: RouterMetrics;
  readonly #unsubscribe: () => void;
  readonly #reachability: Reachability;
  /** What ends each request and WebSocket that a key opened, and whether that key would open it no more. */
  readonly #byKey = new Map<Cut, () => boolean>();
  readonly #revokedLook: NodeJS.Timeout;
  /** What came behind a request that is not decided yet, on the same connection: it is not looked at before. */
  readonly #waiting = new WeakMap<Duplex, (() => void)[]>();

  constructor(options: RouterOptions, log: FastifyBaseLogger) {
    this.#options = options;
    this.#log = log;
    this.#metrics = routerMetrics(options.registry);
    this.#unsubscribe = options.directory.onChange(({ podUid, state }, over) => {
      if (over || state === "failed") options.connections.end(podUid);
    });
    this.#reachability = new Reachability((podUid) => {
      log.warn({ podUid }, "a sandbox is not reached any more: what was open to it is cut");
      options.connections.end(podUid, "unreachable");
    });
    this.#revokedLook = setInterval(() => {
      for (const [cut, revoked] of [...this.#byKey]) if (revoked()) cut(unauthorized);
    }, revokedLookMs).unref();
  }

  /** Whether a request is the router's business. */
  routes({ url = "", headers }: IncomingMessage): boolean {
    return isRouted(url, headers.host, this.#options.hostSuffix);
  }

  /** Answers an HTTP request. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    // What else came with the request that was one too many.
    if (socket.destroyed) return;
    const behind = this.#waiting.get(socket);
    if (behind === undefined) {
      this.#serveSoon(request, response);
      return;
    }
    if (behind.length >= mostBehind) {
      this.#metrics.refused.inc({ reason: "pipelined" });
      socket.destroy();
      return;
    }
    // It has waited then, along with the one in front: it is decided as things are.
    behind.push(
      bound(() => {
        this.#serve(request, response, this.#admit(request));
      }),
    );
  }

  #serveSoon(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const queue: (() => void)[] = [];
    this.#waiting.set(socket, queue);
    const then = (admitted: Admitted | Refusal): void => {
      this.#waiting.delete(socket);
      this.#serve(request, response, admitted);
      if ("status" in admitted && endsConnection(request)) return;
      for (const next of queue) next();
    };
    this.#admitSoon(request, bound(then));
  }

  #serve(request: IncomingMessage, response: ServerResponse, admitted: Admitted | Refusal): void {
    if (response.destroyed || request.socket.destroyed) return;
    if ("status" in admitted) {
      this.#refused(request, admitted);
      refuse(response, admitted);
      return;
    }
    const kind = admitted.target.port === undefined ? "api" : "port";
    const passed = this.#pass(request, admitted, kind, (upstream) => proxy(request, response, upstream));
    if (!passed) refuse(response, crowded);
  }

  /** Answers an upgrade. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Whatever breaks while we wait: the socket is destroyed then, which is looked at.
    socket.on("error", () => undefined);
    const fault = upgradeFault(request);
    const then = (admitted: Admitted | Refusal): void => {
      if (socket.destroyed) endUpgrade(callerGone);
      else this.#upgrade(request, socket, head, admitted);
    };
    tracedUpgrade(request.headers, () => {
      if (fault === undefined) this.#admitSoon(request, bound(then));
      else then(fault);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, admitted: Admitted | Refusal): void {
    if ("status" in admitted) {
      this.#refused(request, admitted);
      endUpgrade(admitted.status);
      refuseUpgrade(socket, admitted);
      return;
    }
    const passed = this.#pass(request, admitted, "websocket", (upstream) => tunnel(socket, head, upstream));
    if (passed) return;
    endUpgrade(crowded.status);
    refuseUpgrade(socket, crowded);
  }

  /** Cuts everything that is open. */
  close(): void {
    this.#unsubscribe();
    clearInterval(this.#revokedLook);
    this.#reachability.close();
    this.#options.connections.endAll();
  }

  /**
   * Tells `then` whether the request may go on: at once, or as soon as this replica sees what another one has just made. Whoever
   * is refused waits as long for an id that nobody has as for one that somebody has.
   */
  #admitSoon(request: IncomingMessage, then: (admitted: Admitted | Refusal) => void): void {
    const first = this.#admit(request);
    const patience = "status" in first ? patienceMs.get(first) : undefined;
    const wanted = this.#idOf(request);
    if (patience === undefined || wanted === undefined) {
      then(first);
      return;
    }
    const end = (admitted: Admitted | Refusal): void => {
      clearTimeout(timer);
      stop();
      then(admitted);
    };
    const timer = setTimeout(() => {
      end(this.#admit(request));
    }, patience);
    const stop = this.#options.directory.onChange(({ id }) => {
      if (id !== wanted) return;
      const admitted = this.#admit(request);
      if (!("status" in admitted)) end(admitted);
    });
  }

  /** The id that a request names, as it stands in the target; nothing if the target cannot be read. */
  #idOf({ url = "", headers }: IncomingMessage): string | undefined {
    const target = parseTarget(url, [headers.host ?? ""], this.#options.hostSuffix);
    return "status" in target ? undefined : target.id;
  }

  #admit(request: IncomingMessage): Admitted | Refusal {
    const { url = "", method = "", rawHeaders, headers } = request;
    if (!methods.includes(method))
      return {
        status: 405,
        reason: "method",
        detail: `${method} is not passed on; allowed are ${methods.join(", ")}`,
        headers: { allow: methods.join(", ") },
      };
    if (rawHeaders.length > 2 * mostHeaders) return tooManyHeaders;
    const hosts = rawHeaders.filter(
      (_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === "host",
    );
    const target = parseTarget(url, hosts, this.#options.hostSuffix);
    if ("status" in target) return target;
    const credential = credentialOf(target, headers);
    const sandbox = admit(this.#options, target.id, credential);
    if ("status" in sandbox) return sandbox;
    const way = this.#options.wayTo(sandbox, target.port ?? sandbox.port);
    if (way === undefined) return starting;
    if (way === "none") return outside;
    return { target: withApiPort(target, sandbox), credential: credential as Credential, sandbox, way };
  }

  /** Opens a way to the sandbox. Returns false when there are too many. */
  #pass(
    request: IncomingMessage,
    admitted: Admitted,
    kind: Kind,
    start: (upstream: Upstream) => Cut,
  ): boolean {
    const { sandbox, credential, way, target } = admitted;
    const started: { cut?: Cut } = {};
    const cut: Cut = (why) => started.cut?.(why);
    const opened = this.#options.connections.open(sandbox, (why) => {
      cut(why && unreachable);
    });
    if (opened === undefined) {
      this.#refused(request, crowded);
      return false;
    }
    const closed = this.#reachability.open(sandbox.podUid, () => this.#ownWay(sandbox));
    const { requests, open, seconds, refused } = this.#metrics;
    const traced = tracedPass(request.method ?? "GET", kind, sandbox, way);
    const ids = traceFields();
    const stop = seconds.startTimer({ kind });
    open.inc({ kind });
    const touch = (): void => {
      this.#options.activity.touch(sandbox);
    };
    touch();
    // A token cannot be taken away: it ends with its sandbox.
    if (credential.kind === "key")
      this.#byKey.set(cut, () => this.#options.authenticate(credential.key)?.tenant !== sandbox.tenant);
    started.cut = start({
      agent: opened.agent,
      ...way,
      target,
      headers: traced.headers(this.#headers(request, admitted)),
      starting: sandbox.state === "starting",
      touch,
      ended: (status, reason) => {
        opened.release();
        closed();
        this.#byKey.delete(cut);
        open.dec({ kind });
        traced.ended(status, reason);
        const ms = Math.round(stop() * 1000);
        requests.inc({ kind, code: `${Math.floor(status / 100)}xx` });
        if (reason !== undefined) refused.inc({ reason });
        const { id, tenant } = sandbox;
        this.#log.debug(
          {
            sandbox: id,
            tenant,
            kind,
            port: target.port,
            method: request.method,
            status,
            reason,
            ms,
            ...ids,
          },
          "routed",
        );
      },
    });
    return true;
  }

  #ownWay(sandbox: RoutedSandbox): Way | undefined {
    const way = this.#options.wayTo(sandbox, sandbox.port);
    return way === "none" ? undefined : way;
  }

  #headers(request: IncomingMessage, { target, sandbox, credential, way }: Admitted): Upstream["headers"] {
    const { socket, rawHeaders, headers } = request;
    return requestHeaders(rawHeaders, {
      target,
      ...way,
      token: target.port === undefined && sandbox.guarded ? this.#options.tokens.access(sandbox) : undefined,
      keepAuthorization: authorizationIsOwn(target, headers, credential),
      clientAddress: socket.remoteAddress ?? "unknown",
      encrypted: "encrypted" in socket,
      host: headers.host,
    });
  }

  #refused(request: IncomingMessage, { status, reason }: Refusal): void {
    this.#metrics.refused.inc({ reason });
    traceRefusal(reason);
    this.#log.info(
      { method: request.method, status, reason, from: request.socket.remoteAddress, ...traceFields() },
      "not routed",
    );
  }
}

/** The sandbox's own port is its API, however it is named. */
function withApiPort(target: Target, { port }: RoutedSandbox): Target {
  return target.port === port ? { ...target, port: undefined } : target;
}

function upgradeFault({ headers, httpVersion, method }: IncomingMessage): Refusal | undefined {
  if (method !== "GET" || httpVersion !== "1.1" || headers.upgrade?.toLowerCase() !== "websocket")
    return {
      status: 501,
      reason: "upgrade",
      detail: "only WebSocket upgrades are supported (GET, HTTP/1.1)",
    };
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined)
    return badRequest("upgrade", "an upgrade has no body");
  return undefined;
}
