// A collector in the cluster, in a namespace of its own: takes traces by OTLP over HTTP and prints what it is sent.
import { kubectl } from "./cluster.js";
import { apply } from "./targets.js";

const place = "sandlot-test-collector";
const port = 4318;

/** The settings of a stack whose traces go there. */
export const tracing = {
  endpoint: `http://collector.${place}.svc.cluster.local:${port}`,
  collector: { namespaceLabels: { "kubernetes.io/metadata.name": place } },
};

/** Each body is a line of its own, as it was sent: JSON without line breaks. */
const program = `require("node:http").createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    console.log(Buffer.concat(chunks).toString());
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
}).listen(${port})`;

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface Batch {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly { readonly name: string; readonly attributes: readonly Attribute[] }[];
    }[];
  }[];
}

/** A span that arrived: its name, whose it is, and what it says. */
export interface Span {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
}

/** Starts it, with Node from `image`; returns what removes it. */
export async function startCollector(image: string): Promise<() => Promise<unknown>> {
  const labels = { "app.kubernetes.io/name": "opentelemetry-collector" };
  const metadata = { name: "collector", namespace: place, labels };
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: place } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ port }] },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: {
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "collector", image, command: ["node", "-e", program] }],
      },
    },
  ];
  await apply(objects);
  return () => kubectl("delete", "namespace", place, "--ignore-not-found", "--wait=false");
}

/** All spans that it was sent, with the attributes of the service that they are of. */
export async function collected(): Promise<Span[]> {
  const { output } = await kubectl("logs", "-n", place, "collector");
  return output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .flatMap((line) => (JSON.parse(line) as Batch).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map(({ name, attributes }) => ({
          name,
          attributes: plain([...resource.attributes, ...attributes]),
        })),
      ),
    );
}

const plain = (attributes: readonly Attribute[]): Span["attributes"] =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? (value.intValue && Number(value.intValue)),
    ]),
  );
