// What the egress proxy counts. Labels have few values: no hosts, no sandboxes.
import { Counter, Gauge, type Registry } from "prom-client";

/** The proxy's metrics, in the given registry. */
export interface EgressMetrics {
  readonly allowed: Counter<"kind">;
  readonly refused: Counter<"reason">;
  readonly open: Gauge;
}

/** Registers the metrics. `reasons` are those of refusals: their series are there before the first of them happens. */
export function egressMetrics(registry: Registry, reasons: readonly string[]): EgressMetrics {
  const registers = [registry];
  const metrics = {
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
  for (const reason of reasons) metrics.refused.inc({ reason }, 0);
  for (const kind of ["tunnel", "request"]) metrics.allowed.inc({ kind }, 0);
  return metrics;
}

/** Registers what is told of the copy of the pods; returns what counts each time that it was cut. */
export function watchMetrics(registry: Registry, current: () => boolean): Counter {
  new Gauge({
    name: "sandlot_egress_current",
    help: "Whether the watch stands by which the egress proxy knows sandboxes and their rules",
    registers: [registry],
    collect() {
      this.set(current() ? 1 : 0);
    },
  });
  return new Counter({
    name: "sandlot_egress_watch_troubles_total",
    help: "How often that watch was cut or refused",
    registers: [registry],
  });
}
