// Says in the log that traces do not arrive: when it begins, now and then while it lasts, and when it is over.
import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Logger } from "pino";

const sayEveryMs = 5 * 60_000;

/** An exporter whose failures are told. */
export class ReportedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #log: Logger;
  readonly #now: () => number;
  #lost = 0;
  #saidAt: number | undefined;

  constructor(exporter: SpanExporter, log: Logger, now: () => number = () => performance.now()) {
    this.#exporter = exporter;
    this.#log = log;
    this.#now = now;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#report(spans.length, result);
      done(result);
    });
  }

  forceFlush(): Promise<void> {
    return this.#exporter.forceFlush?.() ?? Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #report(spans: number, { code, error }: ExportResult): void {
    if (code === ExportResultCode.SUCCESS) {
      if (this.#saidAt !== undefined)
        this.#log.info({ lost: this.#lost }, "the collector takes traces again");
      this.#saidAt = undefined;
      this.#lost = 0;
      return;
    }
    this.#lost += spans;
    if (this.#saidAt !== undefined && this.#now() - this.#saidAt < sayEveryMs) return;
    this.#saidAt = this.#now();
    // The message alone: the rest of the error is what the collector answered.
    this.#log.warn(
      { lost: this.#lost, why: error?.message ?? "no reason given" },
      "the collector does not take traces: spans are lost, and nothing else",
    );
  }
}
