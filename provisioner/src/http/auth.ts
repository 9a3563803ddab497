// Who calls, and how often: a hook for the routes that only known callers may use.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Caller, Keys } from "../config/keys.js";
import type { RateLimits } from "./rate-limits.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls; on guarded routes only. */
    caller: Caller;
  }
}

/** How an API tells that it does not serve a request. */
export interface GuardAnswers {
  /** Nobody knows the key. */
  unknown(reply: FastifyReply): FastifyReply;
  /** The tenant calls too often; the header Retry-After is set. */
  tooMany(reply: FastifyReply, detail: string): FastifyReply;
}

/** Guards every route of `app`. */
export function guard(app: FastifyInstance, keys: Keys, limits: RateLimits, answers: GuardAnswers): void {
  app.decorateRequest("caller");
  app.addHook("onRequest", async (request, reply) => {
    const caller = callerOf(request, keys);
    if (caller === undefined) return answers.unknown(reply);
    const wait = await limits.secondsToWait(caller);
    if (wait !== undefined) {
      const { requests, seconds } = caller.rateLimit;
      const detail = `the limit is ${requests} requests in ${seconds} s; try again in ${wait} s`;
      return answers.tooMany(reply.header("retry-after", String(wait)), detail);
    }
    request.caller = caller;
    return undefined;
  });
}

/** Whether the key that a request came with is still one of the same tenant: what stays open for long asks now and then. */
export function isStillKnown(request: FastifyRequest, keys: Keys): boolean {
  return callerOf(request, keys)?.tenant === request.caller.tenant;
}

function callerOf(request: FastifyRequest, keys: Keys): Caller | undefined {
  const key = request.headers["x-api-key"];
  return typeof key === "string" && key !== "" ? keys.callerOf(key) : undefined;
}
