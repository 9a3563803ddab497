// The egress proxy: the only thing that a sandbox with an allow list can reach. Tunnels (CONNECT) and plain HTTP requests go
// where the sandbox's rules let them, to an address that was resolved and judged here.
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { whenOver } from "../http/response-over.js";
import { whenStalled } from "../http/stalled.js";
import { type EgressRefusal, egressRefusals } from "../model/egress-refusals.js";
import { type AddressRange, parseRange } from "./address.js";
import { type EgressConnection, EgressConnections, mostOpen, mostShared, Sockets } from "./connections.js";
import {
  admissible,
  type Destination,
  dial,
  type Dialled,
  hostText,
  nameResolver,
  parseDestination,
} from "./destination.js";
import { endWithRequest } from "./early-end.js";
import { passedOn } from "./headers.js";
import { type EgressMetrics, egressMetrics } from "./metrics.js";
import type { EgressOptions, EgressSandbox } from "./options.js";
import { refusalOf, refusalOfAddress } from "./rules.js";
import { endAfter } from "./tunnel-end.js";

/** A connection on which nothing moves for so long is given up. Milliseconds. */
const idleMs = 15 * 60_000;

/** For how long bytes may wait until anybody takes them, as long as with nginx's `send_timeout`. Milliseconds. */
const stalledMs = 60_000;

/** How long a refused client has to read why. Milliseconds. */
const lingerMs = 1_000;

interface Answer {
  readonly status: number;
  readonly detail: string;
}

const answers: Readonly<Record<EgressRefusal, Answer>> = {
  invalid: { status: 400, detail: "the destination is no host and port" },
  not_allowed: { status: 403, detail: "no rule of this sandbox allows the destination" },
  denied: { status: 403, detail: "a rule of this sandbox denies the destination" },
  private: {
    status: 403,
    detail: "the destination is a private address, which no rule of this sandbox names",
  },
  closed: { status: 403, detail: "the destination is an address that no sandbox may reach" },
  unresolvable: { status: 502, detail: "the destination has no address" },
  unreachable: { status: 502, detail: "the destination does not accept the connection" },
  crowded: {
    status: 429,
    detail: `too many connections are open: a sandbox may have ${mostOpen}, those of a tenant ${mostShared.ofTenant} together, and all ${mostShared.inAll}`,
  },
};

/** What came back from outside and cannot be said again as HTTP: a status such as 000, or another protocol. */
const noHttp: Answer = { status: 502, detail: "the destination's answer is no answer to this request" };

/** The proxy. Make one, then {@link EgressProxy.listen}. */
export class EgressProxy {
  /** The server, for `listen` and `close`. */
  readonly server: Server;
  readonly #options: EgressOptions;
  readonly #closed: readonly AddressRange[];
  readonly #metrics: EgressMetrics;
  readonly #connections = new EgressConnections();
  readonly #sockets = new Sockets();
  readonly #resolve: NonNullable<EgressOptions["resolve"]>;

  /** @throws RangeError when a closed range is none */
  constructor(options: EgressOptions) {
    this.#options = options;
    this.#closed = options.closedRanges.map((text) => {
      const range = parseRange(text);
      if (range === undefined)
        throw new RangeError(`"${text}" is no range of addresses; write it as 10.42.0.0/16`);
      return range;
    });
    this.#metrics = egressMetrics(options.registry, ["unknown_caller", ...egressRefusals]);
    this.#resolve = options.resolve ?? nameResolver();
    this.server = createServer({ headersTimeout: 15_000, requestTimeout: 0 });
    this.server.on("connection", (socket: Socket) => {
      if (this.#sockets.add(socket)) return;
      this.#metrics.refused.inc({ reason: "crowded" });
      socket.destroy();
    });
    // Whatever goes wrong with one request ends that request: all sandboxes have this one process.
    const endOnTrouble = (work: Promise<void>, client: Duplex | ServerResponse): void => {
      work.catch((error: unknown) => {
        client.destroy();
        options.onTrouble?.(error);
      });
    };
    this.server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      endOnTrouble(this.#plain(request, response), response);
    });
    this.server.on("connect", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      endOnTrouble(this.#tunnel(request, socket, head), socket);
    });
  }

  /** Cuts what a sandbox has open and may not have open any more: call it when its rules have changed or it is gone. */
  recheck(podUid: string, rules: EgressSandbox["rules"] | undefined): void {
    this.#connections.sift(podUid, ({ destination, address }) => {
      if (rules === undefined) return false;
      const { host, port } = destination;
      const refusal = refusalOf(rules, host, port);
      return (
        refusal === undefined &&
        (address === undefined || refusalOfAddress(rules, address, port, this.#closed) === undefined)
      );
    });
  }

  /** Stops; what is open is cut. */
  async close(): Promise<void> {
    this.#connections.cutAll();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Whatever breaks, "close" follows.
    socket.on("error", () => undefined);
    const refuse = (answer: Answer): void => {
      const head =
        `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}\r\ncontent-type: text/plain\r\n` +
        `content-length: ${answer.detail.length}\r\nconnection: close\r\n\r\n`;
      // A client that leaves its side open holds nothing for long.
      socket.end(head + answer.detail, () => setTimeout(() => socket.destroy(), lingerMs).unref());
    };
    const outcome = await this.#reach(request, parseDestination(request.url ?? ""), socket);
    if ("status" in outcome) {
      refuse(outcome);
      return;
    }
    this.#metrics.allowed.inc({ kind: "tunnel" });
    socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
    const { socket: outside } = outcome;
    outside.setTimeout(idleMs, () => outside.destroy());
    request.socket.setTimeout(idleMs, () => socket.destroy());
    if (head.length > 0) outside.write(head);
    for (const [one, other] of [
      [socket, outside],
      [outside, socket],
    ] as const) {
      one.once("close", () => {
        endAfter(one, other, lingerMs);
      });
      whenStalled(one, other, stalledMs, () => other.destroy());
      one.pipe(other);
    }
  }

  async #plain(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = ({ status, detail }: Answer): void => {
      if (response.headersSent || response.destroyed) return;
      const headers = { "content-type": "text/plain", "content-length": detail.length, connection: "close" };
      response.writeHead(status, headers).write(detail);
      endWithRequest(request, response, lingerMs);
    };
    const url = plainUrl(request.url ?? "");
    const outcome = await this.#reach(request, url?.destination, response);
    if ("status" in outcome || url === undefined) {
      refuse("status" in outcome ? outcome : answers.invalid);
      return;
    }
    this.#metrics.allowed.inc({ kind: "request" });
    const end = (): void => void response.destroy();
    const { socket } = outcome;
    socket.setTimeout(idleMs, () => socket.destroy());
    const outgoing = httpRequest({
      createConnection: () => socket,
      method: request.method,
      path: url.path,
      headers: {
        ...passedOn(request.rawHeaders),
        ...(request.headers["transfer-encoding"] === undefined ? {} : { "transfer-encoding": "chunked" }),
        // What the rules were held against, not what the sandbox says beside it.
        host: url.authority,
        connection: "close",
      },
      setHost: false,
    });
    outgoing.once("response", (answer) => {
      const { statusCode = 0 } = answer;
      if (statusCode < 200 || statusCode > 999) {
        refuse(noHttp);
        return;
      }
      response.writeHead(statusCode, passedOn(answer.rawHeaders));
      whenStalled(answer, response, stalledMs, end);
      answer.pipe(response, { end: false });
      answer.once("end", () => {
        endWithRequest(request, response, lingerMs);
      });
      answer.on("error", () => response.destroy());
    });
    outgoing.on("error", () => {
      refuse(answers.unreachable);
    });
    outgoing.once("close", () => {
      if (!response.headersSent) refuse(noHttp);
    });
    whenOver(response, () => outgoing.destroy());
    whenStalled(request, outgoing, stalledMs, end);
    request.pipe(outgoing);
  }

  /**
   * A connection to a destination for the sandbox that asks, or what it is told. It ends with `client`, or when it has sent on all that
   * was said there until its end.
   */
  async #reach(
    request: IncomingMessage,
    destination: Destination | undefined,
    client: Duplex | ServerResponse,
  ): Promise<Dialled | Answer> {
    const from = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    let sandbox = this.#options.sandboxAt(from);
    if (sandbox === undefined) {
      await this.#options.arrival?.(from);
      // What has closed meanwhile does not close again, and would count as open for ever.
      if (!request.socket.destroyed) sandbox = this.#options.sandboxAt(from);
    }
    if (sandbox === undefined) {
      this.#metrics.refused.inc({ reason: "unknown_caller" });
      return { status: 403, detail: "this proxy serves sandboxes with an allow list only" };
    }
    if (destination === undefined)
      return this.#refused(sandbox, (request.url ?? "").slice(0, 200), 0, "invalid");
    const { podUid } = sandbox;
    const host = hostText(destination.host);
    const abort = new AbortController();
    const cut = (): void => {
      abort.abort();
      client.destroy();
    };
    const connection: EgressConnection = { destination, cut };
    const remove = this.#connections.add(sandbox, connection);
    if (remove === undefined) return this.#refused(sandbox, host, destination.port, "crowded");
    this.#metrics.open.inc();
    const release = (): void => {
      abort.abort();
      remove();
      this.#metrics.open.dec();
    };
    let outside: Socket | undefined = undefined;
    if (client instanceof ServerResponse) whenOver(client, release);
    else
      client.once("close", () => {
        // What the sandbox sent to its end may still be on its way, and counts as open until it is there.
        if (client.readableEnded && outside?.closed === false) outside.once("close", release);
        else release();
      });
    const addresses = await admissible(sandbox.rules, destination, this.#closed, this.#resolve);
    if (typeof addresses === "string") return this.#refused(sandbox, host, destination.port, addresses);
    const dialled = await dial(addresses, destination.port, abort.signal);
    if (dialled === undefined) return this.#refused(sandbox, host, destination.port, "unreachable");
    // The rules may have changed while it was resolved and dialled.
    const now = this.#options.sandboxAt(from);
    const late =
      now?.podUid === podUid
        ? (refusalOf(now.rules, destination.host, destination.port) ??
          refusalOfAddress(now.rules, dialled.address, destination.port, this.#closed))
        : "not_allowed";
    if (late !== undefined || client.destroyed || request.socket.destroyed) {
      dialled.socket.destroy();
      return this.#refused(sandbox, host, destination.port, late ?? "unreachable");
    }
    connection.address = dialled.address;
    outside = dialled.socket;
    return dialled;
  }

  #refused({ podUid }: EgressSandbox, host: string, port: number, reason: EgressRefusal): Answer {
    this.#metrics.refused.inc({ reason });
    this.#options.onRefused({ podUid, host, port, reason });
    return answers[reason];
  }
}

/** Reads the absolute URL of a plain request; undefined unless it is `http://host[:port]/path` and nothing else. */
function plainUrl(text: string): { destination: Destination; authority: string; path: string } | undefined {
  const [, authority = "", path = ""] = /^http:\/\/([^/?#\s]+)((?:[/?][\x21-\x7e]*)?)$/i.exec(text) ?? [];
  const destination = parseDestination(/:\d+$/.test(authority) ? authority : `${authority}:80`);
  return destination && { destination, authority, path: path.startsWith("/") ? path : `/${path}` };
}
