// Panels about the processes of a service, alike for each: every server of Prometheus exports these metrics under the same names.
import type { Panel } from "./panel";

/** @param own the join with a metric that the service alone exports, by instance and job: others export `process_*` too */
export function processPanels(own: string): Panel[] {
  return [
    {
      title: "Memory",
      description: "Memory of each replica.",
      unit: "bytes",
      queries: [{ expr: `process_resident_memory_bytes ${own}`, legend: "{{instance}}" }],
    },
    {
      title: "Processor",
      description: "Cores that each replica uses.",
      unit: "cores",
      queries: [{ expr: `rate(process_cpu_seconds_total[$__rate_interval]) ${own}`, legend: "{{instance}}" }],
    },
  ];
}
