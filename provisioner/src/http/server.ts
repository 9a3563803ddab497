// The HTTP server: both APIs, health, and the router to sandboxes.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";

import type { Metrics } from "../core/metrics.js";
import { router, type RouterOptions } from "../router/index.js";
import { limitBody, smallBody } from "./body-limit.js";
import { deerflow, type DeerflowOptions } from "./deerflow.js";
import { openApiDocument } from "./openapi.js";
import { problem, unreadable } from "./problems.js";
import { traceRequests } from "./traces.js";
import { v1, type V1Options } from "./v1.js";

/** What the server is made of. */
export interface ServerParts {
  readonly log: FastifyBaseLogger;
  readonly version: string;
  readonly metrics: Metrics;
  readonly deerflow: DeerflowOptions;
  readonly v1: V1Options;
  readonly router: RouterOptions;
  /** Whether requests are traced. */
  readonly traced: boolean;
  /** Why requests cannot be served now, if they cannot. */
  readonly notReady: () => string | undefined;
}

/** The server; it does not listen yet. */
export function buildServer(parts: ServerParts): FastifyInstance {
  const app = Fastify({
    loggerInstance: parts.log,
    // Also for what has no route, whose bodies are read whoever sends them; routes that take more say so.
    bodyLimit: smallBody,
    genReqId: () => randomUUID(),
    // Ids of others are not taken over: a caller could make its requests look like another's.
    requestIdHeader: false,
    // Traffic into sandboxes may take its time; headers may not, and bodies for us may not either (body-limit.ts).
    requestTimeout: 0,
    // Node.js looks for headers that take too long every 30 seconds by itself.
    http: { headersTimeout: 15_000, connectionsCheckingInterval: 5_000 },
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    routerOptions: { ignoreTrailingSlash: false },
    // What comes on an open connection is still carried out, and told that it is the last: see router/drain.ts.
    return503OnClosing: false,
    frameworkErrors: answerUnrouted,
  });
  // Node.js would answer it before any hook, and wait for the body for ever.
  app.server.on("checkExpectation", (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(417, { connection: "close" }).end();
  });
  if (parts.traced) traceRequests(app);
  // First: a host that is a sandbox's has no other routes.
  app.register(router, parts.router);
  // After the router, which has taken its own by then; before anybody knows who calls, as also what has no route is read whole.
  app.after(() => {
    app.addHook("onRequest", (request, _, done) => {
      limitBody(request.raw);
      done();
    });
  });
  app.addHook("onSend", (request, reply, payload, done) => {
    void reply.header("x-request-id", request.id);
    done(null, payload);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "none";
    parts.metrics.httpRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });

  // As in DeerFlow: alive is whoever answers.
  app.get("/health", () => ({ status: "ok" }));
  app.get("/livez", () => ({ status: "ok" }));
  app.get("/readyz", (_, reply) => {
    const why = parts.notReady();
    return why === undefined ? { status: "ok" } : reply.code(503).send({ status: "not ready", why });
  });
  const document = openApiDocument(parts.version);
  app.get("/openapi.json", () => document);

  // Each API in a context of its own, with its own guard and its own way of telling errors.
  app.register(
    (api, _, done) => {
      deerflow(api, parts.deerflow);
      done();
    },
    { prefix: "/api" },
  );
  app.register(
    (api, _, done) => {
      v1(api, parts.v1);
      done();
    },
    { prefix: "/v1" },
  );
  return app;
}

/** A path that no route can be looked for by, for which no hook is run. Each API tells errors in its own way. */
function answerUnrouted(error: FastifyError, { raw, url }: FastifyRequest, reply: FastifyReply): void {
  limitBody(raw);
  const status = error.statusCode ?? 400;
  if (url.startsWith("/v1/")) problem(reply, status, unreadable, error.message);
  else void reply.code(status).send(error);
}
