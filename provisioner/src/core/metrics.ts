// What Prometheus is told. Labels take their values from small sets only: never ids, never tenants' own texts.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import { resourceOf } from "../kubernetes/resource.js";
import { reapReasons } from "../model/timeouts.js";
import { errorCodes, type ErrorCode } from "./errors.js";

const fast = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * What came of a create: a pod from the pool, one of its own, a sandbox that was there already, an error that the caller is told by its
 * code, or one that nobody foresaw.
 */
export type CreateOutcome = "warm" | "cold" | "existed" | ErrorCode | "internal";

/** The counters, and the registry that they are in. */
export class Metrics {
  readonly registry = new Registry();
  readonly #creates = new Histogram({
    name: "sandlot_provisioner_create_seconds",
    help: "How long creates took that brought a sandbox, by environment and by how: warm or cold.",
    labelNames: ["environment", "start"] as const,
    buckets: fast,
    registers: [this.registry],
  });
  readonly #outcomes = new Counter({
    name: "sandlot_provisioner_creates_total",
    help: "Creates that ended, by outcome: warm, cold, existed, or the code of the error.",
    labelNames: ["outcome"] as const,
    registers: [this.registry],
  });
  readonly #claimsLost = new Counter({
    name: "sandlot_provisioner_claims_lost_total",
    help: "Idle pods that somebody else had claimed first.",
    labelNames: ["environment"] as const,
    registers: [this.registry],
  });
  readonly #requests = new Histogram({
    name: "sandlot_provisioner_kubernetes_request_seconds",
    help: "Requests to the API server, by method, resource and status; status 0 is no answer.",
    labelNames: ["method", "resource", "status"] as const,
    buckets: fast,
    registers: [this.registry],
  });
  readonly #http = new Histogram({
    name: "sandlot_provisioner_http_request_seconds",
    help: "Requests of clients, by method, route and status.",
    labelNames: ["method", "route", "status"] as const,
    buckets: fast,
    registers: [this.registry],
  });
  readonly #reaped = new Counter({
    name: "sandlot_provisioner_reaped_total",
    help: "Sandboxes that were deleted without being asked for, by reason.",
    labelNames: ["reason"] as const,
    registers: [this.registry],
  });
  readonly #poolCreated = new Counter({
    name: "sandlot_provisioner_pool_created_total",
    help: "Pods created for pools.",
    labelNames: ["environment"] as const,
    registers: [this.registry],
  });
  readonly #poolRemoved = new Counter({
    name: "sandlot_provisioner_pool_removed_total",
    help: "Idle pods deleted because they were old, of an old revision, failed, or too many.",
    labelNames: ["environment"] as const,
    registers: [this.registry],
  });
  readonly #poolFailed = new Counter({
    name: "sandlot_provisioner_pool_failed_total",
    help: "Pods for pools that could not be created.",
    labelNames: ["environment"] as const,
    registers: [this.registry],
  });
  readonly #watchTroubles = new Counter({
    name: "sandlot_provisioner_watch_troubles_total",
    help: "Watches that were cut or refused, by resource.",
    labelNames: ["resource"] as const,
    registers: [this.registry],
  });
  readonly #lists = new Counter({
    name: "sandlot_provisioner_lists_total",
    help: "Whole lists fetched for a watch, by resource.",
    labelNames: ["resource"] as const,
    registers: [this.registry],
  });

  /** @param labels of every series; default: none, and the process's own figures are among them */
  constructor(labels?: Readonly<Record<string, string>>) {
    if (labels === undefined) collectDefaultMetrics({ register: this.registry });
    else this.registry.setDefaultLabels(labels);
    // A series that begins with its first event hides that event: no rate can be told from one value.
    for (const outcome of ["warm", "cold", "existed", "internal", ...errorCodes] as const)
      this.#outcomes.inc({ outcome }, 0);
    for (const reason of reapReasons) this.#reaped.inc({ reason }, 0);
  }

  created(environment: string, start: "warm" | "cold", seconds: number): void {
    this.#creates.observe({ environment, start }, seconds);
    this.#outcomes.inc({ outcome: start });
  }

  /** A create that brought no new sandbox. */
  createEnded(outcome: Exclude<CreateOutcome, "warm" | "cold">): void {
    this.#outcomes.inc({ outcome });
  }

  claimLost(environment: string): void {
    this.#claimsLost.inc({ environment });
  }

  kubernetesRequest(method: string, path: string, status: number, seconds: number): void {
    this.#requests.observe({ method, resource: resourceOf(path), status: String(status) }, seconds);
  }

  httpRequest(method: string, route: string, status: number, seconds: number): void {
    this.#http.observe({ method, route, status: String(status) }, seconds);
  }

  reaped(reason: string): void {
    this.#reaped.inc({ reason });
  }

  poolCreated(environment: string): void {
    this.#poolCreated.inc({ environment });
  }

  poolFailed(environment: string): void {
    this.#poolFailed.inc({ environment });
  }

  poolRemoved(environment: string): void {
    this.#poolRemoved.inc({ environment });
  }

  watchTrouble(path: string): void {
    this.#watchTroubles.inc({ resource: resourceOf(path) });
  }

  listed(path: string): void {
    this.#lists.inc({ resource: resourceOf(path) });
  }

  /** Gauges that are read off when they are asked for. */
  gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    collect: (set: (labels: Record<Label, string>, value: number) => void) => void,
  ): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        this.reset();
        collect((labels, value) => {
          this.set(labels as Partial<Record<Label, string>>, value);
        });
      },
    });
  }
}
