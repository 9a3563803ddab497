// OpenTelemetry's SDK: spans are kept in memory and sent in batches, apart from the requests that they tell of. Loaded only where
// there is a collector.
import { setTimeout as sleep } from "node:timers/promises";

import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { parseKeyPairsIntoRecord, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";

import type { Settings } from "../config/settings.js";
import type { TracedService, Tracing } from "./index.js";
import { ReportedExporter } from "./reported-exporter.js";

/** What traces are made from. */
export interface SdkOptions {
  readonly settings: Settings;
  readonly service: TracedService;
  /** The whole address. */
  readonly collector: string;
}

/** How long the end waits for a collector: less than is left of a pod's grace period, whatever else takes its time. */
const flushMs = 2_000;

/** Starts it for the whole process. */
export function startSdk({ settings, service, collector }: SdkOptions, log: Logger): Tracing {
  const json = settings.OTEL_EXPORTER_OTLP_PROTOCOL === "http/json";
  const exporter = new (json ? JsonExporter : ProtobufExporter)({
    url: collector,
    headers: parseKeyPairsIntoRecord(settings.OTEL_EXPORTER_OTLP_HEADERS),
  });
  const provider = new BasicTracerProvider({
    resource: resource(settings, service),
    sampler: sampler(settings),
    spanProcessors: [new BatchSpanProcessor(new ReportedExporter(exporter, log))],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // Only this one: baggage would carry what callers write to whoever is called.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  log.info({ collector: new URL(collector).origin }, "traces are sent");
  return {
    stop: async () => {
      const late = sleep(flushMs, "late", { ref: false });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

function resource(settings: Settings, { version, instance }: TracedService): Resource {
  const given = parseKeyPairsIntoRecord(settings.OTEL_RESOURCE_ATTRIBUTES);
  return defaultResource().merge(
    resourceFromAttributes({
      "service.version": version,
      "service.instance.id": instance,
      ...given,
      "service.name": settings.OTEL_SERVICE_NAME ?? given["service.name"] ?? "sandlot-provisioner",
    }),
  );
}

function sampler({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio }: Settings): Sampler {
  const root = name.endsWith("always_off")
    ? new AlwaysOffSampler()
    : name.endsWith("traceidratio")
      ? new TraceIdRatioBasedSampler(ratio)
      : new AlwaysOnSampler();
  return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}
