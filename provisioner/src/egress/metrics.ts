// What the egress proxy counts. Labels have few values: no hosts, no sandboxes.
import { Counter, Gauge, type Registry } from "prom-client";

/** The proxy's metrics, in the given registry. */
export interface EgressMetrics {
  readonly allowed: Counter<"kind">;
  readonly refused: Counter<"reason">;
  readonly open: Gauge;
}

/** Registers the metrics. */
export function egressMetrics(registry: Registry): EgressMetrics {
  const registers = [registry];
  return {
    allowed: new Counter({
      name: "sandlot_egress_allowed_total",
      help: "Connections that sandboxes made through the egress proxy, by tunnel (CONNECT) or plain HTTP request",
      labelNames: ["kind"],
      registers,
    }),
    refused: new Counter({
      name: "sandlot_egress_refused_total",
      help: "Requests of sandboxes that the egress proxy refused, by reason",
      labelNames: ["reason"],
      registers,
    }),
    open: new Gauge({
      name: "sandlot_egress_open",
      help: "Connections that are open through the egress proxy",
      registers,
    }),
  };
}
