// How long the body of a request for ourselves may take: what goes into sandboxes has no such limit.
import type { IncomingMessage } from "node:http";

const bodyMs = 30_000;

/** Cuts off a sender whose body takes too long. */
export function limitBody(request: IncomingMessage, milliseconds = bodyMs): void {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (coding === undefined && (length === undefined || length === "0")) return;
  const timer = setTimeout(() => request.destroy(), milliseconds);
  const end = (): void => {
    clearTimeout(timer);
  };
  request.once("end", end);
  request.once("close", end);
}
