// The variables of traces: OpenTelemetry's own names and meanings
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and …/protocol/exporter/). Those that are not
// here, such as OTEL_EXPORTER_OTLP_TIMEOUT and OTEL_BSP_SCHEDULE_DELAY, the exporter reads itself.
import { z } from "zod";

/** The ways to decide which traces are kept. */
const samplers = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

/** How traces are written. OTLP over gRPC is another protocol, which needs another port of the collector. */
const protocols = ["http/protobuf", "http/json"] as const;

const url = z.string().refine((text) => {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    parsed?.username === "" && parsed.password === "" && parsed.search === "" && parsed.hash === "";
  return plain && /^https?:$/.test(parsed.protocol);
});

/** Such as `name=value,other=with%20space`: percent-encoded, in the form of W3C Baggage. */
const pairs = z.string().refine((text) =>
  text.split(",").every((pair) => {
    const [, value] = /^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*=([^,;"\\\r\n]*)$/.exec(pair) ?? [];
    return value !== undefined && decodes(value);
  }),
);

function decodes(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

const pairsAllowed = "name=value pairs separated by commas, their values percent-encoded";

/** The variables, by name. */
export const tracingVariables = {
  OTEL_SDK_DISABLED: {
    schema: z.stringbool({ truthy: ["true"], falsy: ["false"] }).default(false),
    allowed: "true or false",
    purpose: "whether there are no traces, whatever else is set; default false",
  },
  OTEL_TRACES_EXPORTER: {
    schema: z.enum(["otlp", "none"]).default("otlp"),
    allowed: "one of otlp, none",
    purpose: "how traces are sent; default otlp, where an endpoint is set",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url.optional(),
    allowed: "an http or https address such as http://collector.monitoring.svc:4318, without user, ? and #",
    purpose: "the collector that traces are sent to, at /v1/traces of it; default: there are no traces",
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    schema: url.optional(),
    allowed:
      "an http or https address such as http://collector.monitoring.svc:4318/v1/traces, without user, ? and #",
    purpose: "the same, as a whole address, instead",
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: {
    schema: z.enum(protocols).default("http/protobuf"),
    allowed: `one of ${protocols.join(", ")}`,
    purpose: "how traces are written; default http/protobuf",
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    schema: pairs.optional(),
    allowed: pairsAllowed,
    purpose: "headers for the collector, such as its token; never logged",
  },
  OTEL_SERVICE_NAME: {
    schema: z.string().min(1).max(255).optional(),
    allowed: "a name",
    purpose: "what traces call this service; default sandlot-provisioner",
  },
  OTEL_RESOURCE_ATTRIBUTES: {
    schema: pairs.optional(),
    allowed: pairsAllowed,
    purpose: "what else traces say of this service, such as deployment.environment.name=production",
  },
  OTEL_TRACES_SAMPLER: {
    schema: z.enum(samplers).default("parentbased_always_on"),
    allowed: `one of ${samplers.join(", ")}`,
    purpose: "which traces are kept; default parentbased_always_on",
  },
  OTEL_TRACES_SAMPLER_ARG: {
    schema: z
      .string()
      .regex(/^(?:0|0?\.\d+|1(?:\.0+)?)$/)
      .transform(Number)
      .default(1),
    allowed: "a number from 0 to 1",
    purpose: "the share of traces that samplers by ratio keep; default 1",
  },
} as const;
