// One span for each request that comes in, and its trace in the lines of the log. Probes and scrapes are not traced: they would be
// most of all there is.
import { context, type Context } from "@opentelemetry/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { sandboxIdPattern } from "../model/names.js";
import { attribute, endServed, startServed, traceFields } from "../tracing/spans.js";

const untraced = new Set(["/health", "/livez", "/readyz"]);

/** Traces all requests of `app`. To be called before anything else that looks at requests. */
export function traceRequests(app: FastifyInstance): void {
  const contexts = new WeakMap<FastifyRequest, Context>();
  app.addHook("onRequest", (request, reply, done) => {
    const { url: route } = request.routeOptions;
    if (route !== undefined && untraced.has(route)) {
      done();
      return;
    }
    const { span, active } = startServed(request.method, route, request.headers);
    contexts.set(request, active);
    request.log = reply.log = request.log.child(traceFields(span));
    // Comes after every end: of the answer, and of a caller that did not wait for it.
    reply.raw.once("close", () => {
      span.setAttributes(namedBy(request));
      endServed(span, reply.raw.statusCode, reply.raw.writableEnded ? undefined : "aborted");
    });
    context.with(active, done);
  });
  // The body arrives by events of the connection, which belongs to no request.
  app.addHook("preValidation", (request: FastifyRequest, _: FastifyReply, done) => {
    context.with(contexts.get(request) ?? context.active(), done);
  });
}

/** Who called, and for which sandbox: of callers that we know. What others write may be anything. */
function namedBy(request: FastifyRequest): Record<string, string> {
  const { caller, params } = request as Partial<FastifyRequest>;
  if (caller === undefined) return {};
  const id = typeof params === "object" && params !== null && "id" in params ? params.id : undefined;
  const named = typeof id === "string" && sandboxIdPattern.test(id);
  return { [attribute.tenant]: caller.tenant, ...(named ? { [attribute.sandbox]: id } : {}) };
}
