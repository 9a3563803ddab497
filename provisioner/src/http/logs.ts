// A sandbox's log as an answer: it comes from the API server as fast as it is read, and holds a connection there until then.
import type { Readable } from "node:stream";

import type { FastifyReply, FastifyRequest } from "fastify";

import type { Most, Shares } from "../core/shares.js";
import { problem } from "./problems.js";
import { whenOver } from "./response-over.js";
import { whenStalled } from "./stalled.js";

/** How many may be open at once: each has a connection to the API server, and 0.15 MB here if it is not read. */
export const mostLogs: Most = { inAll: 200, ofTenant: 50 };

/** How long one may go unread, and how long it may take as a whole. Milliseconds. */
const unreadMs = 10_000;
const wholeMs = 60_000;

/** Answers with what `read` gives. */
export async function sendLogs(
  open: Shares,
  request: FastifyRequest,
  reply: FastifyReply,
  read: () => Promise<Readable>,
): Promise<FastifyReply> {
  const giveBack = open.take(request.caller.tenant);
  if (giveBack === undefined) {
    const { ofTenant, inAll } = open.most;
    const detail = `at most ${ofTenant} of a tenant's may be read at once, and ${inAll} in all; try again when others have been read`;
    return problem(reply, 503, "Too many logs at once", detail);
  }
  // The answer may wait behind another of the same connection, and so is not ended by itself.
  const end = (): void => void request.raw.socket.destroy();
  const timer = setTimeout(end, wholeMs);
  whenOver(reply.raw, () => {
    clearTimeout(timer);
    giveBack();
  });
  const logs = await read();
  whenOver(reply.raw, () => void logs.destroy());
  whenStalled(logs, reply.raw, unreadMs, end);
  // What a sandbox wrote is never a page of ours.
  void reply.header("x-content-type-options", "nosniff");
  return reply.type("text/plain; charset=utf-8").send(logs);
}
