// How the server ends: what is under way goes on, but not for ever.
import type { Server } from "node:http";

import type { Connections } from "../core/connections.js";

/** How long a connection stays open after its last answer, beside the second that Node.js adds. Milliseconds. */
const keepAliveMs = 1;

/**
 * Lets requests and tunnels of a server that closes go on for `ms`, and cuts them then. The server itself ends only the connections
 * that are idle at the moment; the others end a second after their answer, instead of a minute.
 * @returns what is to be called when the server has closed
 */
export function drain(server: Server, connections: Connections, ms: number): () => void {
  server.keepAliveTimeout = keepAliveMs;
  const cut = setTimeout(() => {
    connections.endAll();
    server.closeAllConnections();
  }, ms);
  return () => {
    clearTimeout(cut);
  };
}
