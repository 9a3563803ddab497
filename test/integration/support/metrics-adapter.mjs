// Offers what pods say at /metrics as custom.metrics.k8s.io, so that an autoscaler can go by it: what Prometheus and its adapter do
// in a cluster that has them. For one metric, of the pods of its own namespace, read anew for each question.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const {
  KUBERNETES_SERVICE_HOST: host,
  NAMESPACE: namespace,
  METRIC: metric,
  METRICS_PORT: port,
} = process.env;
const account = "/var/run/secrets/kubernetes.io/serviceaccount";
const version = "custom.metrics.k8s.io/v1beta2";

const resources = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: version,
  resources: [
    { name: `pods/${metric}`, singularName: "", namespaced: true, kind: "MetricValueList", verbs: ["get"] },
  ],
};

async function pods(selector) {
  const query = new URLSearchParams({ labelSelector: selector });
  const answer = await fetch(`https://${host}/api/v1/namespaces/${namespace}/pods?${query}`, {
    headers: { authorization: `Bearer ${readFileSync(`${account}/token`, "utf8")}` },
  });
  const { items } = await answer.json();
  return items.filter(({ status }) => status.phase === "Running");
}

async function valueOf({ metadata, status }) {
  const text = await (await fetch(`http://${status.podIP}:${port}/metrics`)).text();
  const value = new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)$`, "m").exec(text)?.[1];
  return {
    describedObject: { kind: "Pod", apiVersion: "v1", namespace, name: metadata.name },
    metric: { name: metric },
    timestamp: new Date().toISOString(),
    value,
  };
}

async function answer(url) {
  if (url.pathname === `/apis/${version}`) return resources;
  if (url.pathname !== `/apis/${version}/namespaces/${namespace}/pods/*/${metric}`) return undefined;
  const items = await Promise.all((await pods(url.searchParams.get("labelSelector") ?? "")).map(valueOf));
  console.log(items.map(({ describedObject, value }) => `${describedObject.name}: ${value}`).join(", "));
  return { kind: "MetricValueList", apiVersion: version, metadata: {}, items };
}

const tls = { key: readFileSync("/adapter/key.pem"), cert: readFileSync("/adapter/certificate.pem") };
createServer(tls, (request, response) => {
  answer(new URL(decodeURI(request.url), "https://adapter")).then(
    (body) => {
      response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(body ?? {}));
    },
    (error) => {
      console.error(error);
      response.writeHead(500).end();
    },
  );
}).listen(8443);
