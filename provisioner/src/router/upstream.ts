// One request on its way to one sandbox, as the proxy and the tunnel see it, and what is said when the sandbox fails them.
import type { Agent } from "undici";

import { starting } from "./access.js";
import type { HeaderMap } from "./headers.js";
import type { Refusal } from "./refusal.js";
import type { Target } from "./target.js";

/** Where a request goes and with what. */
export interface Upstream {
  readonly agent: Agent;
  readonly address: string;
  readonly port: number;
  readonly target: Target;
  readonly headers: HeaderMap;
  /** Whether the sandbox is not known to answer yet. */
  readonly starting: boolean;
  /** Told of every sign of use. */
  touch(): void;
  /** Told once, with the status of the answer, or of the refusal and its reason. */
  ended(status: number, reason?: string): void;
}

/** Ends a request from outside; `why` is told to a caller who has no answer yet. */
export type Cut = (why?: Refusal) => void;

/** The status, for logs and metrics alone, of a request whose caller went before there was an answer. */
export const callerGone = 499;

/** Errors of connections that did not come about. */
const neverConnected = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** What to tell a caller whose sandbox did not answer. */
export function failure(upstream: Upstream, error: NodeJS.ErrnoException): Refusal {
  const { target, port } = upstream;
  if (upstream.starting && neverConnected.has(error.code ?? "")) return starting;
  switch (error.code) {
    case "ECONNREFUSED":
      return {
        status: 502,
        reason: "connection_refused",
        detail:
          target.port === undefined
            ? "the sandbox does not answer"
            : `nothing in the sandbox listens on port ${port} of its address (a server that listens on 127.0.0.1 only is not reached)`,
      };
    case "UND_ERR_CONNECT_TIMEOUT":
    case "ETIMEDOUT":
      return { status: 504, reason: "timeout", detail: "the sandbox took too long to accept the connection" };
    default:
      return { status: 502, reason: "broken", detail: "the sandbox broke the connection before it answered" };
  }
}
