// What Prometheus reads, at a port of its own: it names tenants and how many sandboxes each has, which is nobody's business who calls the API.
import Fastify, { type FastifyInstance } from "fastify";

/** The server; it does not listen yet. */
export function buildMetricsServer(contentType: string, exposition: () => Promise<string>): FastifyInstance {
  const app = Fastify({ http: { headersTimeout: 15_000 }, requestTimeout: 15_000 });
  app.get("/metrics", async (_, reply) => reply.type(contentType).send(await exposition()));
  return app;
}
