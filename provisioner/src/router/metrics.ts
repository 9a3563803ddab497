// What the router counts. Labels have few values: no ids, no paths.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What a request was for. */
export type Kind = "api" | "port" | "websocket";

/** The router's metrics, in the given registry. */
export interface RouterMetrics {
  readonly requests: Counter<"kind" | "code">;
  readonly refused: Counter<"reason">;
  readonly open: Gauge<"kind">;
  readonly seconds: Histogram<"kind">;
}

/** Registers the metrics. */
export function routerMetrics(registry: Registry): RouterMetrics {
  const registers = [registry];
  return {
    requests: new Counter({
      name: "sandlot_router_requests_total",
      help: "Requests passed on to sandboxes, by what they were for and the class of the answer",
      labelNames: ["kind", "code"],
      registers,
    }),
    refused: new Counter({
      name: "sandlot_router_refused_total",
      help: "Requests that were not passed on or not answered by the sandbox, by reason",
      labelNames: ["reason"],
      registers,
    }),
    open: new Gauge({
      name: "sandlot_router_open",
      help: "Requests and WebSockets that are open",
      labelNames: ["kind"],
      registers,
    }),
    seconds: new Histogram({
      name: "sandlot_router_request_seconds",
      help: "From a request's headers to the end of its answer",
      labelNames: ["kind"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600],
      registers,
    }),
  };
}
