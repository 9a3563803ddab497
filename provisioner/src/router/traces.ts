// What the router says in traces: of a request, where it went; of an upgrade, which no other part of the server sees, all of it.
// Paths are left out, because what callers write there may be a token.
import { context, trace } from "@opentelemetry/api";

import type { Way } from "../core/endpoints.js";
import { attribute, endCall, endServed, propagated, startCall, startServed } from "../tracing/spans.js";
import type { HeaderMap } from "./headers.js";
import type { Kind } from "./metrics.js";
import type { RoutedSandbox } from "./options.js";

/** The route of all that leads into sandboxes, by path or by host. */
const route = "/sandboxes/*";

/** A request on its way to a sandbox. */
export interface TracedPass {
  /** The sandbox's headers, which name the trace. */
  headers(headers: HeaderMap): HeaderMap;
  ended(status: number, reason?: string): void;
}

/** Begins what {@link endUpgrade} ends, unless it is passed on. */
export function tracedUpgrade(headers: NodeJS.Dict<string | string[]>, work: () => void): void {
  context.with(startServed("GET", route, headers).active, work);
}

/** Ends an upgrade that was not passed on. */
export function endUpgrade(status: number): void {
  const span = trace.getActiveSpan();
  if (span !== undefined) endServed(span, status);
}

/** Begins the way to a sandbox. */
export function tracedPass(
  method: string,
  kind: Kind,
  { id, tenant }: RoutedSandbox,
  { address, port }: Way,
): TracedPass {
  const served = trace.getActiveSpan();
  const of = { [attribute.sandbox]: id, [attribute.tenant]: tenant, [attribute.kind]: kind };
  served?.setAttributes({ ...of, [attribute.route]: route }).updateName(`${method} ${route}`);
  const call = startCall(`${method} sandbox`, {
    ...of,
    [attribute.method]: method,
    [attribute.host]: address,
    [attribute.port]: port,
  });
  return {
    headers: (headers) => propagated(headers, call),
    ended: (status, reason) => {
      endCall(call, status, reason);
      // The server ends all others, when their answer is complete.
      if (kind === "websocket" && served !== undefined) endServed(served, status, reason);
    },
  };
}

/** Says why a request is not passed on. */
export function traceRefusal(reason: string): void {
  trace.getActiveSpan()?.setAttribute(attribute.refused, reason);
}
