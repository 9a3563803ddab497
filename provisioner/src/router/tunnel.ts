// WebSocket to a sandbox: the handshake is made anew, and after it bytes pass both ways until one side ends.
import { request as httpRequest, STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import { type HeaderMap, responseHeaders } from "./headers.js";
import { endSoon, refuseUpgrade } from "./refusal.js";
import { callerGone, failure, type Upstream } from "./upstream.js";

/** How long the handshake may take. Milliseconds. */
const handshakeTimeoutMs = 10_000;

/** Opens a tunnel. `head` is what the caller sent behind its handshake. Returns what cuts it. */
export function tunnel(socket: Duplex, head: Buffer, upstream: Upstream): () => void {
  const { address, port, target, headers } = upstream;
  const outgoing = httpRequest({
    host: address,
    port,
    path: target.path,
    headers: { ...headers, connection: "Upgrade", upgrade: "websocket" },
    agent: false,
    timeout: handshakeTimeoutMs,
  });
  let status = callerGone;
  let reason: string | undefined;
  const settle = (newStatus: number, newReason?: string): void => {
    [status, reason] = [newStatus, newReason];
  };
  socket.once("close", () => {
    outgoing.destroy();
    upstream.touch();
    upstream.ended(status, reason);
  });
  // Whatever breaks, "close" follows.
  socket.on("error", () => undefined);
  outgoing.once("timeout", () =>
    outgoing.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })),
  );
  outgoing.once("error", (error) => {
    if (socket.destroyed || socket.writableEnded) return;
    const refusal = failure(upstream, error);
    settle(refusal.status, refusal.reason);
    refuseUpgrade(socket, refusal);
  });
  outgoing.once("response", (answer) => {
    settle(answer.statusCode ?? 502);
    const kept = responseHeaders(answer.headers, target);
    socket.write(headText(answer, { ...kept, connection: "close" }), "latin1");
    answer.pipe(socket, { end: false });
    answer.once("end", () => {
      endSoon(socket);
    });
    answer.once("error", () => socket.destroy());
  });
  outgoing.once("upgrade", (answer, sandbox, first) => {
    settle(101);
    const kept = responseHeaders(answer.headers, target);
    socket.write(headText(answer, { ...kept, connection: "Upgrade", upgrade: "websocket" }), "latin1");
    join(socket, head, sandbox, first, upstream);
  });
  outgoing.end();
  return () => {
    socket.destroy();
  };
}

function join(socket: Duplex, head: Buffer, sandbox: Duplex, first: Buffer, upstream: Upstream): void {
  if (head.length > 0) sandbox.write(head);
  if (first.length > 0) socket.write(first);
  for (const [from, to] of [
    [socket, sandbox],
    [sandbox, socket],
  ] as const) {
    from.on("data", () => {
      upstream.touch();
    });
    from.pipe(to);
    from.once("error", () => to.destroy());
    from.once("close", () => to.destroy());
  }
}

/** The beginning of an answer. Values come from a parser that lets no line end through. */
function headText({ statusCode = 502 }: IncomingMessage, headers: HeaderMap): string {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ""}\r\n${lines.join("")}\r\n`;
}
