// Traces as a collector gets them: what a request came to, whose it was, and nothing that is a secret.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";

import { pino, type Logger } from "pino";

import { apiKey, environment, eventually, house, metricsOf, type House, type Replica } from "../house.js";
import { raw, statusOf } from "../router/support.js";
import { Collector, failed, kinds } from "./collector.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const callersSpan = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${callersSpan}-01`;

/** A name, and where it comes from, as W3C Trace Context has it. */
function parsed(header: unknown): {
  trace: string | undefined;
  span: string | undefined;
  flags: string | undefined;
} {
  const [, trace, span, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(String(header)) ?? [];
  return { trace, span, flags };
}

describe("the provisioner's traces", function () {
  this.timeout(30_000);

  let collector: Collector;
  let endpoint: string;
  let home: House;

  beforeEach(async () => {
    collector = new Collector();
    [endpoint, home] = await Promise.all([collector.start(), house()]);
    home.cluster.put("configmaps", environment("python", 1));
  });
  afterEach(async () => {
    await home.end();
    await collector.stop();
  });

  const start = (more: Record<string, string> = {}, log?: Logger): Promise<Replica> =>
    home.start(
      { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", ...more },
      log,
    );

  const pooled = async (): Promise<void> =>
    eventually("an idle pod is Ready", () =>
      home.cluster
        .pods()
        .some(({ status }) => status?.conditions?.some(({ type }) => type === "Ready") === true),
    );

  /** Listens, for what `inject` cannot do. */
  async function listening({ provisioner }: Replica): Promise<number> {
    await provisioner.app.listen({ host: "127.0.0.1", port: 0 });
    return (provisioner.app.server.address() as AddressInfo).port;
  }

  it("tell a claim: the request, the create, the one write, the hand-over, as a part of the caller's trace", async () => {
    const replica = await start();
    await pooled();
    const body = { id: "box-1", environment: "python" };
    const answer = await replica.call("POST", "/v1/sandboxes", body, { traceparent });
    assert.equal(answer.statusCode, 201, answer.body);
    await replica.provisioner.stop();

    assert.equal(
      collector.tree(),
      ["POST /v1/sandboxes", "  create sandbox", "    claim pod", "      PATCH pods", "    hand over"].join(
        "\n",
      ),
    );
    const served = collector.span("POST /v1/sandboxes");
    assert.deepEqual(
      [served.traceId, served.parentSpanId, served.kind],
      [traceId, callersSpan, kinds.server],
    );
    assert.deepEqual(served.attributes, {
      "http.request.method": "POST",
      "http.response.status_code": 201,
      "http.route": "/v1/sandboxes",
      "url.scheme": "http",
      "sandlot.tenant": "default",
    });
    assert.deepEqual(collector.span("create sandbox").attributes, {
      "sandlot.sandbox.id": "box-1",
      "sandlot.tenant": "default",
      "sandlot.environment": "python",
      "sandlot.outcome": "warm",
    });
    const claim = collector.span("claim pod").attributes;
    assert.equal(claim["sandlot.outcome"], "won");
    assert.equal(claim["k8s.pod.name"], home.cluster.livePods()[0]?.metadata.name);
    const patch = collector.span("PATCH pods");
    assert.equal(patch.kind, kinds.client);
    assert.deepEqual(patch.attributes, {
      "http.request.method": "PATCH",
      "http.response.status_code": 200,
      "sandlot.kubernetes.resource": "pods",
      "server.address": "127.0.0.1",
    });
    for (const span of collector.spans()) assert.equal(span.traceId, traceId);
    // The sandbox's server is told whose claim it is.
    const claimed = home.sandbox.requests.find(({ what }) => what === "POST /v1/claim");
    assert.deepEqual(parsed(claimed?.headers["traceparent"]), {
      trace: traceId,
      span: collector.span("hand over").spanId,
      flags: "01",
    });
  });

  it("tell a cold create and a deletion", async () => {
    const replica = await start();
    await replica.call("POST", "/v1/sandboxes", { id: "box-2" });
    assert.equal((await replica.call("DELETE", "/v1/sandboxes/box-2")).statusCode, 204);
    await replica.provisioner.stop();
    assert.equal(
      collector.tree(),
      [
        ...["POST /v1/sandboxes", "  create sandbox", "    POST pods", "    POST services", "    hand over"],
        ...["DELETE /v1/sandboxes/:id", "  delete sandbox", "    DELETE pods"],
      ].join("\n"),
    );
    assert.equal(collector.span("create sandbox").attributes["sandlot.outcome"], "cold");
    assert.equal(collector.span("DELETE /v1/sandboxes/:id").attributes["sandlot.sandbox.id"], "box-2");
    const [one, other] = [collector.span("create sandbox"), collector.span("delete sandbox")];
    assert.notEqual(one.traceId, other.traceId);
  });

  it("tell what failed, and of whom, in a word", async () => {
    const replica = await start();
    home.cluster.fault = ({ method, path }) =>
      method === "POST" && path.endsWith("/pods") ? { status: 500, reason: "broken-and-private" } : undefined;
    assert.equal((await replica.call("POST", "/v1/sandboxes", { id: "box-3" })).statusCode, 503);
    home.cluster.fault = () => undefined;
    assert.equal((await replica.call("GET", "/v1/sandboxes/none-such")).statusCode, 404);
    await replica.provisioner.stop();
    const errors = collector.spans().filter(({ status }) => status.code === failed);
    assert.deepEqual(
      errors.map(({ name, attributes }) => `${name}: ${String(attributes["error.type"])}`).sort(),
      ["POST /v1/sandboxes: 503", "POST pods: 500", "create sandbox: unavailable"],
    );
    assert.equal(collector.span("GET /v1/sandboxes/:id").attributes["http.response.status_code"], 404);
    assert.doesNotMatch(collector.bytes, /broken-and-private/);
  });

  it("go on into the sandbox through the router, whatever the caller said of itself", async () => {
    const replica = await start();
    const created = await replica.call("POST", "/v1/sandboxes", { id: "box-4" });
    const { token } = created.json<{ token: string }>();
    const port = await listening(replica);
    const headers = { "x-sandbox-token": token, traceparent, tracestate: "vendor=1" };
    const answer = await fetch(`http://127.0.0.1:${port}/sandboxes/box-4/v1/bash/exec?q=1`, { headers });
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
    await replica.provisioner.stop();

    const served = collector.span("GET /sandboxes/*");
    const call = collector.span("GET sandbox");
    assert.deepEqual([served.traceId, served.parentSpanId], [traceId, callersSpan]);
    assert.deepEqual([call.parentSpanId, call.kind], [served.spanId, kinds.client]);
    assert.deepEqual(call.attributes, {
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "server.address": "127.0.0.1",
      "server.port": Number(home.cluster.pods()[0]?.spec?.containers[0]?.ports?.[0]?.containerPort),
      "sandlot.sandbox.id": "box-4",
      "sandlot.tenant": "default",
      "sandlot.router.kind": "api",
    });
    const passed = home.sandbox.requests.find(({ what }) => what === "GET /v1/bash/exec?q=1")?.headers ?? {};
    assert.deepEqual(parsed(passed["traceparent"]), { trace: traceId, span: call.spanId, flags: "01" });
    assert.equal(passed["tracestate"], "vendor=1");
  });

  it("tell of a caller that does not wait", async () => {
    const replica = await start({ READY_TIMEOUT_SECONDS: "5" });
    await pooled();
    home.cluster.startMs = undefined;
    const port = await listening(replica);
    const leaving = new AbortController();
    const gone = fetch(`http://127.0.0.1:${port}/v1/sandboxes`, {
      method: "POST",
      headers: { "x-api-key": apiKey, "content-type": "application/json" },
      body: JSON.stringify({ id: "box-9" }),
      signal: leaving.signal,
    });
    await eventually("the sandbox is being made", () =>
      JSON.stringify(home.cluster.pods()).includes("box-9"),
    );
    leaving.abort();
    await assert.rejects(gone);
    await replica.provisioner.stop();
    assert.equal(collector.span("POST /v1/sandboxes").attributes["error.type"], "aborted");
  });

  it("tell upgrades, and refusals of the router", async () => {
    const replica = await start();
    const created = await replica.call("POST", "/v1/sandboxes", { id: "box-5" });
    const { token } = created.json<{ token: string }>();
    const port = await listening(replica);
    const upgrade = (shown: string): string =>
      `GET /sandboxes/box-5/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n` +
      `x-sandbox-token: ${shown}\r\ntraceparent: ${traceparent}\r\n\r\n`;
    assert.equal(statusOf(await raw(port, upgrade(token))), 200);
    assert.equal(statusOf(await raw(port, upgrade("wrong-token-wrong-token"))), 404);
    const refused = await fetch(`http://127.0.0.1:${port}/sandboxes/box-5/`);
    assert.equal(refused.status, 401);
    await refused.arrayBuffer();
    await replica.provisioner.stop();

    const routed = collector.spans().filter(({ name }) => name === "GET /sandboxes/*");
    const statuses = routed.map(({ attributes: { "http.response.status_code": status, ...more } }) =>
      [status, more["sandlot.router.kind"], more["sandlot.router.refused"]].join(" "),
    );
    assert.deepEqual(statuses.sort(), ["200 websocket ", "401  unauthorized", "404  not_found"]);
    const passed = home.sandbox.requests.find(({ what }) => what === "GET /ws")?.headers ?? {};
    assert.equal(parsed(passed["traceparent"]).span, collector.span("GET sandbox").spanId);
  });

  it("leave out probes, scrapes, and what runs in the background", async () => {
    const replica = await start();
    await pooled();
    for (const path of ["/health", "/livez", "/readyz"])
      assert.equal((await replica.call("GET", path)).statusCode, 200);
    await metricsOf(replica);
    await replica.call("GET", "/v1/sandboxes");
    // The Lease, the pool and the watches have asked the API server by now.
    assert.ok(home.cluster.count("POST", "/leases") > 0 && home.cluster.count("POST", "/pods") > 0);
    await replica.provisioner.stop();
    assert.equal(collector.tree(), "GET /v1/sandboxes");
  });

  it("say which service and replica they come from, and show the collector what it asks for", async () => {
    const replica = await start({
      OTEL_SERVICE_NAME: "boxes",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=pro%20duction,service.name=other",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20for-the-collector",
      POD_NAME: "replica-1",
    });
    await replica.call("GET", "/v1/sandboxes");
    await replica.provisioner.stop();
    const { "service.name": name, "service.instance.id": instance, ...more } = collector.resource;
    assert.deepEqual([name, instance], ["boxes", "replica-1"]);
    assert.equal(more["deployment.environment.name"], "pro duction");
    assert.deepEqual(
      collector.posts.map(({ path, headers }) => [path, headers.authorization]),
      [["/v1/traces", "Bearer for-the-collector"]],
    );
  });

  it("are of none of these: keys, tokens, env, secrets, bodies, queries, paths", async () => {
    for (const protocol of ["http/json", "http/protobuf"]) {
      const replica = await start({
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_HEADERS: "x-collector-token=private-header",
      });
      const id = protocol === "http/json" ? "box-j" : "box-p";
      const created = await replica.call("POST", "/v1/sandboxes?q=private-query", {
        id,
        env: { PRIVATE_NAME: "private-env" },
        secrets: { PRIVATE_SECRET: "private-secret" },
        labels: { private: "private-label" },
      });
      assert.equal(created.statusCode, 201, created.body);
      const { token } = created.json<{ token: string }>();
      const port = await listening(replica);
      const url = `http://127.0.0.1:${port}/sandboxes/${id}`;
      const ask = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
        const answer = await fetch(url + path, { method: "POST", body: "private-body", headers });
        await answer.arrayBuffer();
        return answer.status;
      };
      const cookie = "a=private-cookie";
      assert.equal(await ask(`/t/${token}/private-path?q=private-query`, { cookie }), 200);
      assert.equal(await ask("/private-path", { authorization: `Bearer ${token}` }), 200);
      assert.equal(await ask("/private-path", { "x-api-key": apiKey }), 200);
      assert.equal(await ask("/private-path", { "x-api-key": "private-wrong-key" }), 401);
      assert.equal(await ask("/t/private-token-private/x"), 404);
      // Looks like the router's only once it is decoded: other code answers it.
      await fetch(`http://127.0.0.1:${port}/%73andboxes/${id}/t/${token}/x?q=private-query`);
      assert.equal((await replica.call("GET", "/private-path")).statusCode, 404);
      assert.equal(
        (await replica.call("GET", "/v1/sandboxes/private-id", {}, { "x-api-key": "private" })).statusCode,
        401,
      );
      // What the API server quotes in its refusal is not passed on either.
      home.cluster.fault = ({ method }) =>
        method === "POST" ? { status: 403, reason: "forbidden: private-quote" } : undefined;
      await replica.call("POST", "/v1/sandboxes", { id: "refused-1", env: { A: "private-env" } });
      home.cluster.fault = () => undefined;
      await replica.provisioner.stop();

      const sent = collector.bytes;
      assert.ok(sent.includes(id) && sent.includes("POST /sandboxes/*") && sent.includes("refused-1"));
      for (const secret of ["private", "PRIVATE", apiKey, token, "Bearer"])
        assert.ok(!sent.includes(secret), `${secret} was exported by ${protocol}`);
    }
    assert.equal(collector.posts.at(-1)?.headers["content-type"], "application/x-protobuf");
  });

  it("are kept by the share that is asked for; what is not kept still has a name to go on with", async () => {
    const replica = await start({
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0",
    });
    await pooled();
    const answer = await replica.call("POST", "/v1/sandboxes", { id: "box-6", environment: "python" });
    assert.equal(answer.statusCode, 201);
    // Whose trace is kept elsewhere has it kept here.
    await replica.call("GET", "/v1/sandboxes", undefined, { traceparent });
    await replica.provisioner.stop();
    assert.equal(collector.tree(), "GET /v1/sandboxes");
    const claimed = home.sandbox.requests.find(({ what }) => what === "POST /v1/claim")?.headers ?? {};
    assert.equal(parsed(claimed["traceparent"]).flags, "00");
  });

  it("are found from the log's lines: each of a request has the trace and the span", async () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    const log: Logger = pino({ level: "info" }, { write });
    const replica = await start({}, log);
    await replica.call("POST", "/v1/sandboxes", { id: "box-7" }, { traceparent });
    await replica.provisioner.stop();
    const served = collector.span("POST /v1/sandboxes");
    for (const msg of ["created", "request completed"]) {
      const line = lines.find((one) => one["msg"] === msg);
      assert.deepEqual([line?.["trace_id"], line?.["span_id"]], [served.traceId, served.spanId], msg);
    }
  });

  for (const [what, unset] of [
    ["the endpoint is not set", { OTEL_EXPORTER_OTLP_ENDPOINT: "" }],
    ["the SDK is disabled", { OTEL_SDK_DISABLED: "true" }],
    ["the exporter is none", { OTEL_TRACES_EXPORTER: "none" }],
  ] as const)
    it(`are not made when ${what}: callers' headers pass as they are`, async () => {
      const replica = await start(unset);
      const created = await replica.call("POST", "/v1/sandboxes", { id: "box-8" }, { traceparent });
      const { token } = created.json<{ token: string }>();
      const port = await listening(replica);
      const headers = { "x-sandbox-token": token, traceparent };
      await (await fetch(`http://127.0.0.1:${port}/sandboxes/box-8/x`, { headers })).arrayBuffer();
      await replica.provisioner.stop();
      assert.equal(collector.posts.length, 0);
      const passed = home.sandbox.requests.find(({ what: which }) => which === "GET /x")?.headers ?? {};
      assert.equal(passed["traceparent"], traceparent);
      const claimed = home.sandbox.requests.find(({ what: which }) => which === "POST /v1/claim")?.headers;
      assert.equal(claimed?.["traceparent"], undefined);
    });
});
