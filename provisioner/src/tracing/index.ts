// Whether there are traces, and where to. What makes them is loaded only then.
import type { Logger } from "pino";

import type { Settings } from "../config/settings.js";

/** What traces say of the process that they come from. */
export interface TracedService {
  readonly version: string;
  /** What this replica is called. */
  readonly instance: string;
}

/** Traces that are being made. */
export interface Tracing {
  /** Sends what was not sent yet, for two seconds at most. */
  stop(): Promise<void>;
}

/** The address that traces are sent to; undefined if there are none. */
export function collectorOf(settings: Settings): string | undefined {
  if (settings.OTEL_SDK_DISABLED || settings.OTEL_TRACES_EXPORTER === "none") return undefined;
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole } = settings;
  return whole ?? (base && `${base.replace(/\/$/, "")}/v1/traces`);
}

/** Starts to make traces, of the whole process; nothing if there is nowhere to send them. */
export async function startTracing(
  settings: Settings,
  service: TracedService,
  log: Logger,
): Promise<Tracing | undefined> {
  const collector = collectorOf(settings);
  if (collector === undefined) return undefined;
  const { startSdk } = await import("./sdk.js");
  return startSdk({ settings, service, collector }, log);
}
