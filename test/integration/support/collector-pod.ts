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

/** Each body is a line of its own, in base64: what is sent is protobuf. */
const program = `require("node:http").createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    console.log(Buffer.concat(chunks).toString("base64"));
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
}).listen(${port})`;

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

/** All that it was sent: names and values are plain text in protobuf. */
export async function collected(): Promise<string> {
  const { output } = await kubectl("logs", "-n", place, "collector");
  return output
    .split("\n")
    .map((line) => Buffer.from(line, "base64").toString("latin1"))
    .join("\n");
}
