// Server-sent events of one sandbox: how it is now, every change, what was refused to it, and that it is gone.
import type { FastifyReply, FastifyRequest } from "fastify";

import type { Front } from "../clusters/front.js";
import type { Most } from "../core/shares.js";
import type { Sandbox } from "../model/sandbox.js";
import type { OpenStreams } from "./open-streams.js";
import { problem } from "./problems.js";

/** How many may be open at once. */
export const mostEvents: Most = { inAll: 1_000, ofTenant: 200 };

/** What a stream stands on. */
export interface EventSource extends Pick<Front, "directory" | "refusals"> {
  /** Whether the reader may still read: keys are taken away while streams are open. */
  readonly allowed: () => boolean;
}

/** Proxies cut what is silent; this is more often than any does. A reader whose key is taken away reads no longer than that. */
const heartbeatMs = 15_000;
/** A reader that lets so much pile up does not read. */
const mostBuffered = 256 * 1024;

/** Answers with the events of `sandbox`, until it is gone or the reader is, or may read no more. */
export function sendEvents(
  streams: OpenStreams,
  { directory, refusals, allowed }: EventSource,
  sandbox: Sandbox,
  describe: (sandbox: Sandbox) => object,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  if (streams.over) {
    problem(reply, 503, "The replica ends", "another one is to be followed from; try again");
    return;
  }
  const forget = streams.open(sandbox.tenant, end);
  if (forget === undefined) {
    const { ofTenant, inAll } = streams.most;
    const detail = `at most ${ofTenant} of a tenant's may be open at once, and ${inAll} in all; end one, or try again later`;
    problem(reply, 503, "Too many event streams", detail);
    return;
  }
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    // Proxies such as nginx would collect events otherwise.
    "x-accel-buffering": "no",
  });
  let last = "";
  const send = (event: string, data: object): void => {
    if (!allowed()) {
      end();
      return;
    }
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    if (text === last) return;
    last = text;
    response.write(text);
    if (response.writableLength <= mostBuffered) return;
    end();
    // An end in order would wait for the reader, and keep for it what it does not read.
    response.destroy();
  };
  const sendGone = (): void => {
    send("gone", { id: sandbox.id });
    end();
  };
  const off = directory.onChange((changed, gone) => {
    if (changed.podUid !== sandbox.podUid) return;
    if (gone) sendGone();
    else send("state", describe(changed));
  });
  const offRefusals = refusals.onRefusal(sandbox.podUid, (notice) => {
    send("egress-refused", notice);
  });
  const heartbeat = setInterval(() => {
    if (allowed()) response.write(": still here\n\n");
    else end();
  }, heartbeatMs);
  function end(): void {
    off();
    offRefusals();
    forget?.();
    clearInterval(heartbeat);
    response.end();
  }
  request.raw.on("close", end);
  // It may have changed or gone before anybody listened.
  const now = directory.withId(sandbox.id).find(({ podUid }) => podUid === sandbox.podUid);
  if (now === undefined) sendGone();
  else send("state", describe(now));
}
