// What a dashboard is made of. test/integration/prometheus.test.ts evaluates every query on what real processes exported.

/** One line of a panel, or several where the query gives several series. */
export interface Query {
  /** PromQL; `$__rate_interval` is Grafana's: four scrapes or more. */
  readonly expr: string;
  /** The name of a line; `{{label}}` is replaced. */
  readonly legend: string;
}

/** One panel. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  readonly queries: readonly Query[];
}

/** A row of panels under a heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A dashboard. */
export interface Dashboard {
  /** Its identity: links and alerts keep pointing at it when it changes. */
  readonly uid: string;
  readonly title: string;
  /** From what users feel to what explains it. */
  readonly rows: readonly Row[];
}
