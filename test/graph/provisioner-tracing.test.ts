// What the platform registers for the provisioner's traces: variables, the Secret that is named and never read, one way out.
import * as k8s from "@pulumi/kubernetes";
import assert from "node:assert/strict";

import { ArgumentError, SandboxPlatform, type TracingOptions } from "@sandlot/components";

import { record, recordFailure, type Graph } from "../support/graph";

const program = (tracing?: TracingOptions) => () => {
  const provider = new k8s.Provider("cluster", { kubeconfig: "a kubeconfig" });
  const provisioner = { image: "sandlot/provisioner:1.0.0", generateKeys: true };
  const args = {
    image: "sandlot/sandbox:1.0.0",
    provisioner: { ...provisioner, ...(tracing && { tracing }) },
  };
  new SandboxPlatform("sandlot", args, { provider });
};

const endpoint = "http://collector.monitoring.svc.cluster.local:4318";
const policy = "sandlot-provisioner-collector";

interface Variable {
  name: string;
  value?: string;
  valueFrom?: object;
}

function variablesOf(graph: Graph): Variable[] {
  const { template } = graph.get("sandlot-provisioner-deployment").inputs["spec"] as unknown as {
    template: { spec: { containers: { env: Variable[] }[] } };
  };
  return (template.spec.containers[0]?.env ?? []).filter(({ name }) => name.startsWith("OTEL_"));
}

const egressOf = (graph: Graph) => (graph.get(policy).inputs["spec"] as unknown as { egress: object }).egress;

describe("the provisioner's traces, deployed", () => {
  it("are not made unless they are asked for", async () => {
    const graph = await record(program());
    assert.deepEqual(variablesOf(graph), []);
    assert.equal(graph.has(policy), false);
  });

  it("go to a collector of the cluster, which is all that is opened", async () => {
    const graph = await record(program({ endpoint }));
    assert.deepEqual(variablesOf(graph), [
      { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: endpoint },
      { name: "OTEL_TRACES_SAMPLER", value: "parentbased_traceidratio" },
      { name: "OTEL_TRACES_SAMPLER_ARG", value: "1.000000" },
    ]);
    assert.deepEqual(egressOf(graph), [
      {
        to: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
            podSelector: { matchLabels: { "app.kubernetes.io/name": "opentelemetry-collector" } },
          },
        ],
        ports: [{ protocol: "TCP", port: 4318 }],
      },
    ]);
    const { metadata, spec } = graph.get(policy).inputs as {
      metadata: { namespace: string };
      spec: { podSelector: { matchLabels: Record<string, string> }; policyTypes: string[] };
    };
    assert.equal(metadata.namespace, "sandlot-system");
    assert.equal(spec.podSelector.matchLabels["app.kubernetes.io/component"], "provisioner");
    assert.deepEqual(spec.policyTypes, ["Egress"]);
    assert.ok(graph.comesAfter(graph.get("sandlot-provisioner-deployment"), graph.get(policy)));
  });

  it("go to a collector elsewhere, with headers of a Secret that no state has, a share, and a name", async () => {
    const graph = await record(
      program({
        endpoint: "https://otlp.example.com",
        headersSecret: "collector",
        samplingRatio: 0.05,
        resourceAttributes: { "team.name": "a, b=c", "deployment.environment.name": "staging" },
        collector: { cidrs: ["198.51.100.7/32"] },
      }),
    );
    assert.deepEqual(variablesOf(graph), [
      { name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: "https://otlp.example.com" },
      { name: "OTEL_TRACES_SAMPLER", value: "parentbased_traceidratio" },
      { name: "OTEL_TRACES_SAMPLER_ARG", value: "0.050000" },
      {
        name: "OTEL_RESOURCE_ATTRIBUTES",
        value: "deployment.environment.name=staging,team.name=a%2C%20b%3Dc",
      },
      {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        valueFrom: { secretKeyRef: { name: "collector", key: "headers" } },
      },
    ]);
    assert.deepEqual(egressOf(graph), [
      { to: [{ ipBlock: { cidr: "198.51.100.7/32" } }], ports: [{ protocol: "TCP", port: 443 }] },
    ]);
  });

  it("reach the port of the pods, where the Service has another", async () => {
    const graph = await record(
      program({ endpoint: "http://collector.traces", collector: { podLabels: { app: "otel" }, port: 4318 } }),
    );
    assert.deepEqual(egressOf(graph), [
      {
        to: [
          {
            namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } },
            podSelector: { matchLabels: { app: "otel" } },
          },
        ],
        ports: [{ protocol: "TCP", port: 4318 }],
      },
    ]);
  });

  for (const [what, tracing, says] of [
    [
      "an endpoint that is none",
      { endpoint: "collector:4318" },
      /tracing\.endpoint is "collector:4318", but/,
    ],
    ["a whole address", { endpoint: `${endpoint}/v1/traces` }, /tracing\.endpoint .* or \/v1\/traces/],
    ["a share above all", { endpoint, samplingRatio: 2 }, /tracing\.samplingRatio is 2, but must be/],
    ["a Secret's name that is none", { endpoint, headersSecret: "A b" }, /tracing\.headersSecret is "A b"/],
    ["no labels", { endpoint, collector: { podLabels: {} } }, /tracing\.collector\.podLabels is \{\}/],
    [
      "a range that is none",
      { endpoint, collector: { cidrs: ["10"] } },
      /tracing\.collector\.cidrs\[0\] is "10"/,
    ],
    ["no ranges", { endpoint, collector: { cidrs: [] } }, /tracing\.collector\.cidrs is empty/],
    ["a port that is none", { endpoint, collector: { port: 0 } }, /tracing\.collector\.port is 0/],
    [
      "labels and ranges",
      { endpoint, collector: { cidrs: ["10.0.0.0/8"], podLabels: { a: "b" } } },
      /tracing\.collector has cidrs and labels/,
    ],
    [
      "a name that is none",
      { endpoint, resourceAttributes: { "a b": "c" } },
      /tracing\.resourceAttributes is "a b", but must be names/,
    ],
  ] as const)
    it(`refuse ${what}, before anything is registered`, async () => {
      const { error, graph } = await recordFailure(program(tracing as TracingOptions));
      assert.ok(error instanceof ArgumentError);
      assert.equal(error.problems.length, 1, error.message);
      assert.match(error.message, says);
      assert.equal(graph.has("sandlot"), false);
    });

  it("refuse a password in the endpoint, and do not repeat it", async () => {
    const { error } = await recordFailure(program({ endpoint: "https://me:hunter2@otlp.example.com" }));
    assert.match(String(error), /tracing\.endpoint names a user.*tracing\.headersSecret/);
    assert.doesNotMatch(String(error), /hunter2/);
  });
});
