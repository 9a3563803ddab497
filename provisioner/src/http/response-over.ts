// When an answer is over, however it ends.
import type { ServerResponse } from "node:http";

/**
 * Calls `then` once, when the answer was sent or its caller has gone. A response says so itself only once it is its turn: one that
 * waits behind another of the same connection (pipelining) hears nothing of the connection's end.
 */
export function whenOver(response: ServerResponse, then: () => void): void {
  const { socket } = response.req;
  let over = false;
  const end = (): void => {
    response.off("close", end);
    socket.off("close", end);
    if (over) return;
    over = true;
    then();
  };
  response.on("close", end);
  // As many as the caller has sent requests.
  socket.setMaxListeners(0).on("close", end);
  if (socket.destroyed) process.nextTick(end);
}
