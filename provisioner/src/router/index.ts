// The router as a Fastify plugin: `/sandboxes/{id}/…`, `/sandboxes/{id}/t/{token}/…`, `/sandboxes/{id}/ports/{port}/…` and
// `{port}-{id}.<domain>` lead into sandboxes. Register it first: a host that is a sandbox's has no other routes.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

import type { FastifyPluginCallback } from "fastify";

import { Drain } from "./drain.js";
import type { RouterOptions } from "./options.js";
import { badRequest, notFound, refuse, refuseUpgrade } from "./refusal.js";
import { methods, SandboxRouter } from "./router.js";

export type { RoutedSandbox, RouterOptions } from "./options.js";
export { withoutToken } from "./target.js";

const plugin: FastifyPluginCallback<RouterOptions> = (app, options, registered) => {
  const sandboxRouter = new SandboxRouter(options, app.log);
  // Before anything reads the body, and for hosts of sandboxes before any other route.
  app.addHook("onRequest", (request, reply, done) => {
    if (!sandboxRouter.routes(request.raw)) {
      done();
      return;
    }
    reply.hijack();
    sandboxRouter.serve(request.raw, reply.raw);
  });
  // What comes here has a target that only looks like ours once it is decoded. The URL may hold a token: it is not logged.
  for (const url of ["/sandboxes", "/sandboxes/*"])
    app.route({
      url,
      method: methods,
      logLevel: "silent",
      exposeHeadRoute: false,
      handler: (_request, reply) => {
        reply.hijack();
        refuse(
          reply.raw,
          badRequest("target", "the request target must begin with /sandboxes/, as it is and not encoded"),
        );
      },
    });
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (sandboxRouter.routes(request)) sandboxRouter.upgrade(request, socket, head);
    else refuseUpgrade(socket, notFound);
  };
  app.server.on("upgrade", upgrade);
  // The server waits for requests and tunnels, however long they take.
  const drain = new Drain(app.server, options.connections);
  app.addHook("preClose", (done) => {
    drain.begin(options.drainMs);
    done();
  });
  app.addHook("onClose", (_app, done) => {
    drain.end();
    sandboxRouter.close();
    done();
  });
  registered();
};

/** The router. Its hook is for the whole server, so the plugin has no scope of its own. */
export const router: FastifyPluginCallback<RouterOptions> = Object.assign(plugin, {
  [Symbol.for("skip-override")]: true,
});
