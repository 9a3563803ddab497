// What Prometheus reads off a cluster when it asks.
import type { Metrics } from "../core/metrics.js";
import type { Cluster } from "./cluster.js";

/** Registers the gauges. */
export function describeGauges(
  metrics: Metrics,
  { directory, environments, poolSizes, leader }: Cluster,
): void {
  metrics.gauge(
    "sandlot_provisioner_sandboxes",
    "Sandboxes, by state and tenant.",
    ["state", "tenant"],
    (set) => {
      const counts = new Map<string, { state: string; tenant: string; count: number }>();
      for (const { state, tenant } of directory.sandboxes()) {
        const key = `${state}/${tenant}`;
        counts.set(key, { state, tenant, count: (counts.get(key)?.count ?? 0) + 1 });
      }
      for (const { state, tenant, count } of counts.values()) set({ state, tenant }, count);
    },
  );
  metrics.gauge(
    "sandlot_provisioner_pool",
    "Idle pods, by environment and state; desired among them.",
    ["environment", "state"],
    (set) => {
      for (const { name: environment } of environments.all()) {
        set({ environment, state: "desired" }, poolSizes.size(environment));
        for (const state of ["starting", "running", "failed"])
          set(
            { environment, state },
            directory.idle(environment).filter((pod) => pod.state === state).length,
          );
      }
    },
  );
  metrics.gauge("sandlot_provisioner_leader", "Whether this replica fills pools and reaps.", [], (set) => {
    set({}, leader.leads ? 1 : 0);
  });
  metrics.gauge("sandlot_provisioner_current", "Whether the watches stand.", [], (set) => {
    set({}, directory.current ? 1 : 0);
  });
}
