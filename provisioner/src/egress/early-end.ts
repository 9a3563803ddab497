// The end of an answer that is ready before its request is.
import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Ends an answer whose last byte is written. A connection that is closed while its client still sends is reset, and what the client has
 * not read of the answer is lost: it sees a broken pipe and not why. So the rest of the request is read and thrown away first.
 * @param lingerMs how long a client may go on sending, in milliseconds; then the connection is closed all the same
 */
export function endWithRequest(request: IncomingMessage, response: ServerResponse, lingerMs: number): void {
  const end = (): void => {
    clearTimeout(timer);
    request.off("end", end);
    response.end(() => {
      if (!request.complete) request.socket.destroy();
    });
  };
  const timer = setTimeout(end, lingerMs).unref();
  if (request.complete) {
    end();
    return;
  }
  response.flushHeaders();
  request.unpipe();
  request.once("end", end).resume();
}
