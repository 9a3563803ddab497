// Where the provisioner's traces go: what can be told, what is wrong with it, and what its pods and walls are given for it.
import type * as k8s from "@pulumi/kubernetes";

import type { Checks, Rule } from "../shared/checks";
import { over } from "../shared/defaults";
import { cidr, dnsSubdomain, port, selector } from "../shared/rules";

/** Where a collector is, as the provisioner's pods reach it: labels of its pods, or addresses. */
export interface CollectorPeer {
  /**
   * Labels of the collector's namespace.
   * @default { "kubernetes.io/metadata.name": "monitoring" }
   */
  namespaceLabels?: { [name: string]: string };
  /**
   * Labels of the collector's pods.
   * @default { "app.kubernetes.io/name": "opentelemetry-collector" }
   */
  podLabels?: { [name: string]: string };
  /**
   * Addresses of a collector outside of the cluster, such as `198.51.100.7/32`, instead of labels.
   * @default - it is found by labels
   */
  cidrs?: string[];
  /**
   * The port that its pods listen at, where a Service has another one.
   * @default - that of the endpoint
   */
  port?: number;
}

/** Where the provisioner's traces go, by OTLP over HTTP. */
export interface TracingOptions {
  /** The collector, such as `http://collector.monitoring.svc.cluster.local:4318`; `/v1/traces` is added. */
  endpoint: string;
  /**
   * A Secret of the provisioner's namespace that somebody else makes, whose entry `headers` has the headers that the collector
   * asks for: `name=value` pairs separated by commas, their values percent-encoded, such as `authorization=Bearer%20token`.
   * @default - no headers
   */
  headersSecret?: string;
  /**
   * The share of traces that is kept, 0 to 1; what the caller's own trace says of itself goes before it.
   * @default 1
   */
  samplingRatio?: number;
  /**
   * What else traces say of where they come from, such as `{ "deployment.environment.name": "production" }`.
   * @default {}
   */
  resourceAttributes?: { [name: string]: string };
  /** Where the collector is. See the fields for their defaults. */
  collector?: CollectorPeer;
}

/** {@link TracingOptions} with every default filled in. */
export interface TracingSettings {
  endpoint: string;
  headersSecret?: string | undefined;
  samplingRatio: number;
  resourceAttributes: { [name: string]: string };
  collector: CollectorPeer;
}

/** The entry of `headersSecret`. */
export const headersEntry = "headers";

/** Fills in the defaults. */
export function withTracingDefaults(given: TracingOptions): TracingSettings {
  const { cidrs, namespaceLabels, podLabels, port } = given.collector ?? {};
  const outside = cidrs !== undefined && namespaceLabels === undefined && podLabels === undefined;
  return {
    ...given,
    samplingRatio: given.samplingRatio ?? 1,
    resourceAttributes: given.resourceAttributes ?? {},
    collector: over<CollectorPeer>(
      outside
        ? {}
        : {
            namespaceLabels: { "kubernetes.io/metadata.name": "monitoring" },
            podLabels: { "app.kubernetes.io/name": "opentelemetry-collector" },
          },
      { cidrs, namespaceLabels, podLabels, port },
    ),
  };
}

/** Holds everything against its rule. */
export function checkTracing(checks: Checks, settings: TracingSettings | undefined): void {
  if (settings === undefined) return;
  const { endpoint, samplingRatio, resourceAttributes, collector } = settings;
  // Not as a rule, whose message would repeat the password.
  if (URL.canParse(endpoint) && new URL(endpoint).username !== "") {
    checks.problem(
      "tracing.endpoint names a user, which everybody who sees the Deployment would see; take it out and name a Secret as tracing.headersSecret",
    );
  } else checks.plain("tracing.endpoint", endpoint, collectorUrl);
  checks.plain("tracing.headersSecret", settings.headersSecret, dnsSubdomain);
  checks.plain("tracing.samplingRatio", samplingRatio, share);
  for (const name of Object.keys(resourceAttributes))
    checks.plain("tracing.resourceAttributes", name, attributeName);
  checks.plain("tracing.collector.namespaceLabels", collector.namespaceLabels, selector);
  checks.plain("tracing.collector.podLabels", collector.podLabels, selector);
  for (const [i, each] of (collector.cidrs ?? []).entries())
    checks.plain(`tracing.collector.cidrs[${i}]`, each, cidr);
  checks.plain("tracing.collector.port", collector.port, port);
  if (collector.cidrs?.length === 0)
    checks.problem("tracing.collector.cidrs is empty, so no collector could be reached; name a range");
  if (collector.cidrs !== undefined && collector.podLabels !== undefined) {
    checks.problem(
      "tracing.collector has cidrs and labels, but a collector is either outside of the cluster or in it; remove one of the two",
    );
  }
}

const collectorUrl: Rule<string> = (value) => {
  const parsed = URL.canParse(value) ? new URL(value) : undefined;
  const plain = parsed?.search === "" && parsed.hash === "" && !value.endsWith("/");
  return plain && /^https?:$/.test(parsed.protocol) && !value.endsWith("/v1/traces")
    ? undefined
    : "an http or https address that does not end in / or /v1/traces, such as http://collector.monitoring.svc.cluster.local:4318";
};

const share: Rule<number> = (value) =>
  typeof value === "number" && value >= 0 && value <= 1 ? undefined : "a number from 0 to 1";

const attributeName: Rule<string> = (value) =>
  /^[A-Za-z0-9_.-]+$/.test(value) ? undefined : "names of letters, digits, _, . and -";

/** The variables of provisioner/src/config/tracing-variables.ts. The headers are not among what a Deployment shows. */
export function tracingVariables(settings: TracingSettings | undefined): k8s.types.input.core.v1.EnvVar[] {
  if (settings === undefined) return [];
  const { endpoint, headersSecret, samplingRatio, resourceAttributes } = settings;
  const attributes = Object.entries(resourceAttributes).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return [
    { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: endpoint },
    { name: "OTEL_TRACES_SAMPLER", value: "parentbased_traceidratio" },
    { name: "OTEL_TRACES_SAMPLER_ARG", value: samplingRatio.toFixed(6) },
    ...(attributes.length === 0
      ? []
      : [{ name: "OTEL_RESOURCE_ATTRIBUTES", value: attributes.sort().join(",") }]),
    ...(headersSecret === undefined
      ? []
      : [
          {
            name: "OTEL_EXPORTER_OTLP_HEADERS",
            valueFrom: { secretKeyRef: { name: headersSecret, key: headersEntry } },
          },
        ]),
  ];
}

/** The way out to the collector. */
export function toCollector({
  endpoint,
  collector,
}: TracingSettings): k8s.types.input.networking.v1.NetworkPolicyEgressRule[] {
  const { namespaceLabels = {}, podLabels = {}, cidrs } = collector;
  const { port: stated, protocol } = new URL(endpoint);
  const port = collector.port ?? (stated === "" ? (protocol === "https:" ? 443 : 80) : Number(stated));
  const to = cidrs?.map((each) => ({ ipBlock: { cidr: each } })) ?? [
    {
      namespaceSelector: { matchLabels: namespaceLabels },
      podSelector: { matchLabels: podLabels },
    },
  ];
  return [{ to, ports: [{ protocol: "TCP", port }] }];
}
