// How large the body of a request for ourselves may be, how long it may take, and how much of all bodies may be here at once: what
// goes into sandboxes has no such limits.
import type { IncomingMessage } from "node:http";

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Most, Shares } from "../core/shares.js";
import { longestRule, mostRules } from "../model/network-rules.js";
import { whenOver } from "./response-over.js";

const KiB = 1024;
const MiB = 1024 * KiB;

/** What says little, or nothing, or leads nowhere. Bytes. */
export const smallBody = 4 * KiB;

/** Two lists of rules, each with the characters that JSON has around it and as many again to be read by. Bytes. */
export const rulesBody = 2 * mostRules * (longestRule + 20);

/** A create: environment variables are the largest part of any (model/variables.ts). Bytes. */
export const createBody = MiB;

/**
 * How much of all bodies may be here at once, from a request's headers to its answer. The provisioner has 512Mi and takes some 160
 * without requests. A byte of a body has been measured to take one as it comes, and takes up to four more as text of two bytes a
 * character and as what is read from it.
 */
export const mostBodies: Most = { inAll: 32 * MiB, ofTenant: 8 * MiB };

const bodyMs = 30_000;

/** Cuts off a sender whose body takes too long. */
export function limitBody(request: IncomingMessage, milliseconds = bodyMs): void {
  if (announced(request) === 0) return;
  const timer = setTimeout(() => request.destroy(), milliseconds);
  const end = (): void => {
    clearTimeout(timer);
  };
  request.once("end", end);
  request.once("close", end);
}

/**
 * Lets only so much of bodies in, for requests whose caller is known.
 * @param refuse tells a caller whose body finds no room; the header Retry-After is set
 */
export function shareBodies(
  app: FastifyInstance,
  bodies: Shares,
  refuse: (reply: FastifyReply, detail: string) => FastifyReply,
): void {
  app.addHook("onRequest", (request, reply, done) => {
    const bytes = held(request);
    if (bytes === 0) {
      done();
      return;
    }
    const giveBack = bodies.take(request.caller.tenant, bytes);
    if (giveBack === undefined) {
      const { ofTenant, inAll } = bodies.most;
      const detail = `the bodies of a tenant's requests may have ${ofTenant / MiB} MiB together, and those of all ${inAll / MiB} MiB; try again when others are answered`;
      refuse(reply.header("retry-after", "1"), detail);
      return;
    }
    whenOver(reply.raw, giveBack);
    done();
  });
}

/** How much of a request's body will be kept: nothing of one that says itself that it is too large, which is not read. */
function held({ raw, routeOptions }: FastifyRequest): number {
  const { bodyLimit } = routeOptions;
  const bytes = announced(raw) ?? bodyLimit;
  return bytes > bodyLimit ? 0 : bytes;
}

/** How long a body says that it is; undefined for one that does not say so before its end. */
function announced({ headers }: IncomingMessage): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
}
