// How full the namespace is, for Prometheus: idle pods take room as well, so that sandboxes alone do not tell.
import type { Directory } from "./directory.js";
import type { Metrics } from "./metrics.js";

/** Adds the gauges of the pods that there are and that there may be. */
export function describeRoom(metrics: Metrics, directory: Directory, most: number): void {
  metrics.gauge("sandlot_provisioner_pods", "Pods of sandboxes and pools, failed ones not.", [], (set) => {
    set({}, directory.count());
  });
  metrics.gauge("sandlot_provisioner_pods_limit", "Pods that there may be: MAX_SANDBOXES.", [], (set) => {
    set({}, most);
  });
}
