// Who calls: a hook for the routes that only known callers may use.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import type { Caller, Keys } from "../config/keys.js";

declare module "fastify" {
  interface FastifyRequest {
    /** Who calls; on guarded routes only. */
    caller: Caller;
  }
}

/** Guards every route of `app`. `refuse` answers those that nobody knows. */
export function guard(app: FastifyInstance, keys: Keys, refuse: (reply: FastifyReply) => FastifyReply): void {
  app.decorateRequest("caller");
  app.addHook("onRequest", async (request, reply) => {
    const caller = callerOf(request, keys);
    if (caller === undefined) return refuse(reply);
    request.caller = caller;
    if (request.method === "POST" || request.method === "PATCH") limitBody(request);
    return undefined;
  });
}

const bodyMs = 30_000;

/** Cuts off a sender whose body takes too long. */
function limitBody({ raw }: FastifyRequest): void {
  const timer = setTimeout(() => raw.destroy(), bodyMs);
  const end = (): void => {
    clearTimeout(timer);
  };
  raw.once("end", end);
  raw.once("close", end);
}

function callerOf(request: FastifyRequest, keys: Keys): Caller | undefined {
  const key = request.headers["x-api-key"];
  return typeof key === "string" && key !== "" ? keys.callerOf(key) : undefined;
}
