// Answers that do not come from a sandbox: problems (RFC 9457), on a response or on the bare socket of an upgrade.
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** How long a caller has to read the last that it is told. Milliseconds. */
const lingerMs = 1_000;

/** Why a request goes no further. `reason` is for metrics and logs; it is never sent. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One and the same for whatever is not the caller's to know about: it tells nobody which ids exist. */
export const notFound: Refusal = {
  status: 404,
  reason: "not_found",
  detail: "there is no such sandbox, or it is not for this caller",
};

/** A request that is wrong in itself. */
export function badRequest(reason: string, detail: string): Refusal {
  return { status: 400, reason, detail };
}

/** The body of a refusal. */
export function problem({ status, detail }: Refusal): string {
  return JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail });
}

/** Whether the refusal of a request ends its connection: one with an unread body is closed, not read to its end. */
export function endsConnection({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

/** Answers a request whose answer has not begun. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  const hasBody = endsConnection(response.req);
  const body = problem(refusal);
  response.writeHead(refusal.status, {
    "content-type": "application/problem+json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(hasBody ? { connection: "close" } : {}),
    ...refusal.headers,
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** Answers an upgrade and closes its connection. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const body = problem(refusal);
  const headers = {
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    connection: "close",
    ...refusal.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  endSoon(
    socket,
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}\r\n${lines.join("")}\r\n${body}`,
  );
}

/** Ends a connection with its last words. A caller that leaves its side open holds nothing for long. */
export function endSoon(socket: Duplex, text = ""): void {
  socket.end(text, () => setTimeout(() => socket.destroy(), lingerMs).unref());
}
