// Spans, as the rest of the provisioner makes them: by OpenTelemetry's API, which does nothing until sdk.ts is started. A span says
// what was done and to what: never a key, a token, a body, a query, nor the message of an error, which may quote any of them.
import {
  type Attributes,
  context,
  type Context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";

/**
 * Names of attributes: the semantic conventions' (https://opentelemetry.io/docs/specs/semconv/http/http-spans/) where they have one.
 * The package that has them all would be loaded where there are no traces as well.
 */
export const attribute = {
  method: "http.request.method",
  status: "http.response.status_code",
  route: "http.route",
  scheme: "url.scheme",
  host: "server.address",
  port: "server.port",
  error: "error.type",
  pod: "k8s.pod.name",
  resource: "sandlot.kubernetes.resource",
  sandbox: "sandlot.sandbox.id",
  tenant: "sandlot.tenant",
  environment: "sandlot.environment",
  outcome: "sandlot.outcome",
  kind: "sandlot.router.kind",
  refused: "sandlot.router.refused",
} as const;

/** A span that says nothing to nobody. */
const silent: Span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

// Asked for each time: what it is changes when traces are started.
const tracer = (): Tracer => trace.getTracer("sandlot-provisioner");

/**
 * Does `work` within a span below the active one. Where there is none, there is no new one either: what runs in the background,
 * such as the Lease and the pools, is told by metrics and logs.
 */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  if (trace.getActiveSpan() === undefined) return work(silent);
  return tracer().startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      fail(span, typeOf(error));
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Says more of what is being done. */
export function annotate(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/** A request of ours to another service, which is ended by {@link endCall}. Below the active span, or of no trace. */
export function startCall(name: string, attributes: Attributes): Span {
  if (trace.getActiveSpan() === undefined) return silent;
  return tracer().startSpan(name, { kind: SpanKind.CLIENT, attributes });
}

/** Ends a request of ours. `status` is 0 if there was no answer; `reason` says why, in one word. */
export function endCall(span: Span, status: number, reason?: string): void {
  if (status > 0) span.setAttribute(attribute.status, status);
  if (status === 0 || status >= 400 || reason !== undefined)
    fail(span, reason ?? (status === 0 ? "no_answer" : String(status)));
  span.end();
}

/** A request of a caller's, below the caller's own span if its headers name one. The context has it as the active span. */
export function startServed(
  method: string,
  route: string | undefined,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): { readonly span: Span; readonly active: Context } {
  const parent = propagation.extract(ROOT_CONTEXT, headers);
  const attributes: Attributes = { [attribute.method]: method, [attribute.scheme]: "http" };
  if (route !== undefined) attributes[attribute.route] = route;
  const name = route === undefined ? method : `${method} ${route}`;
  const span = tracer().startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
  return { span, active: trace.setSpan(parent, span) };
}

/** Ends a request of a caller's. What is the caller's own fault is no error of ours. */
export function endServed(span: Span, status: number, reason?: string): void {
  span.setAttribute(attribute.status, status);
  if (status >= 500 || reason !== undefined) fail(span, reason ?? String(status));
  span.end();
}

/**
 * The headers of a request of ours, with the span that it belongs to, the active one unless another is given (https://www.w3.org/TR/trace-context/) instead of what they
 * said of it; unchanged where there are no traces.
 */
export function propagated(
  headers: Readonly<Record<string, string | string[]>>,
  span = trace.getActiveSpan(),
): Record<string, string | string[]> {
  if (span === undefined || !trace.isSpanContextValid(span.spanContext())) return headers;
  const own = ["traceparent", "tracestate"];
  const named = Object.fromEntries(Object.entries(headers).filter(([name]) => !own.includes(name)));
  propagation.inject(trace.setSpan(ROOT_CONTEXT, span), named);
  return named;
}

/** What a line of the log says of the span that it belongs to. */
export function traceFields(span = trace.getActiveSpan()): { trace_id?: string; span_id?: string } {
  if (span === undefined) return {};
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}

/** `work`, done as a part of what is being done now, whenever that is. */
export function bound<Work extends (...given: never[]) => void>(work: Work): Work {
  return context.bind(context.active(), work);
}

function fail(span: Span, type: string): void {
  span.setAttribute(attribute.error, type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The code of an error of ours, the status of the API server's, else the name of its class. */
function typeOf(error: unknown): string {
  if (!(error instanceof Error)) return "_OTHER";
  if ("code" in error && typeof error.code === "string") return error.code;
  return "status" in error && typeof error.status === "number" ? String(error.status) : error.name;
}
