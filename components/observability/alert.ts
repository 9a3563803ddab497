// What an alert is. Each has a page docs/runbooks/<name>.md; test/integration/prometheus.test.ts fires every one of them in
// Prometheus' own engine.

/** How soon somebody has to look. */
export type Severity = "critical" | "warning" | "info";

/** One alert. */
export interface Alert {
  readonly name: string;
  /** PromQL: what it is true for fires. */
  readonly expr: string;
  /** How long it must be true; Prometheus' duration. */
  readonly after: string;
  readonly severity: Severity;
  /** One sentence for the one who is woken; `$labels` and `$value` as in Prometheus' templates. */
  readonly summary: string;
}
