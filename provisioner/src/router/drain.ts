// How the server ends: what is under way goes on, but not for ever.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { Connections } from "../core/connections.js";
import { whenOver } from "../http/response-over.js";

/** How long a connection stays open after its last answer, beside the second that Node.js adds. Milliseconds. */
const keepAliveMs = 1;
/** How long a request may take to come on a connection that is open already. Milliseconds. */
const firstRequestMs = 1_000;

/** Ends a server's connections once it closes. */
export class Drain {
  readonly #server: Server;
  readonly #connections: Connections;
  /** Connections on which no request has come yet. Node.js takes them for busy, and would wait for them. */
  readonly #unused = new Set<Socket>();
  /** Answers that have not ended. */
  readonly #open = new Set<ServerResponse>();
  readonly #timers: NodeJS.Timeout[] = [];
  #begun = false;

  constructor(server: Server, connections: Connections) {
    this.#server = server;
    this.#connections = connections;
    server.on("connection", (socket) => {
      this.#unused.add(socket);
      socket.once("close", () => this.#unused.delete(socket));
    });
    const used = ({ socket }: IncomingMessage): void => void this.#unused.delete(socket);
    server.prependListener("upgrade", used);
    server.prependListener("request", (request, response) => {
      used(request);
      if (this.#begun) response.shouldKeepAlive = false;
      this.#open.add(response);
      whenOver(response, () => this.#open.delete(response));
    });
  }

  /**
   * Lets requests and tunnels go on for `ms`, and cuts them then. Each answer says that it is the last of its connection: nobody is to
   * send another request into the end. The server itself ends the connections that are idle at the moment; those whose answer had
   * begun end a second after it, instead of a minute.
   */
  begin(ms: number): void {
    this.#begun = true;
    for (const response of this.#open) response.shouldKeepAlive = false;
    this.#server.keepAliveTimeout = keepAliveMs;
    this.#timers.push(
      setTimeout(
        () => {
          for (const socket of this.#unused) socket.destroy();
        },
        Math.min(ms, firstRequestMs),
      ),
      setTimeout(() => {
        this.#connections.endAll();
        this.#server.closeAllConnections();
      }, ms),
    );
  }

  /** To be called when the server has closed. */
  end(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}
