// Structured logs. Tokens in paths and keys in headers do not get into them.
import { pino, type Logger } from "pino";

import { withoutToken } from "./router/index.js";

/** A logger that writes JSON lines to standard output. */
export function buildLog(level: string): Logger {
  return pino({
    level,
    serializers: {
      req: (request: { method: string; url: string; id: string }) => ({
        method: request.method,
        url: withoutToken(request.url),
      }),
      res: (reply: { statusCode: number }) => ({ status: reply.statusCode }),
      err: pino.stdSerializers.err,
    },
  });
}
