// Rules for sandboxes of profile allowlist: written with the claim, changed while the sandbox runs, and handed over as the way to
// the proxy that keeps them.
import assert from "node:assert/strict";

import { documented } from "./documented.js";
import { apiKey, environment, eventually, house, type House, type Replica } from "./house.js";

const proxyName = "http://egress-proxy.sandlot-system.svc:3128";
/** Where it is told to be: sandboxes of the profile have no DNS. */
const proxy = "http://10.43.0.31:3128";
const service = (clusterIP: string) =>
  ({ metadata: { name: "egress-proxy" }, spec: { clusterIP, ports: [{ port: 3128 }] } }) as never;
const note = "sandlot.dev/egress-rules";

interface Answer {
  egress: string;
  network?: { allow: string[]; deny: string[] };
  detail: string;
  errors: { field: string; message: string }[];
}

describe("network rules", () => {
  let home: House;
  let replica: Replica;

  before(async () => {
    home = await house();
    home.cluster.put("configmaps", environment("default", 2, { egress: "allowlist" }));
    home.cluster.put("configmaps", environment("closed", 0));
    home.cluster.put("services", service("10.43.0.31"));
    replica = await home.start({ EGRESS_PROXY_URL: proxyName });
    await eventually("the pool is full", async () => {
      const { items } = (await replica.call("GET", "/v1/environments")).json<{
        items: { name: string; pool: { ready: number } }[];
      }>();
      return items.find(({ name }) => name === "default")?.pool.ready === 2;
    });
  });
  after(() => home.end());

  const create = async (body: object, from = replica) => {
    const answer = await from.call("POST", "/v1/sandboxes", body);
    return { status: answer.statusCode, body: answer.json<Answer>() };
  };
  const annotationOf = (id: string): unknown => {
    const pod = home.cluster
      .pods()
      .find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id);
    return JSON.parse(pod?.metadata.annotations?.[note] ?? "null");
  };

  it("are written by the one write of the claim, and shown", async () => {
    const before = home.cluster.count("PATCH", "/pods/");
    const network = { allow: ["*.example.com", "203.0.113.0/24:443"], deny: ["bad.example.com"] };
    const { status, body } = await create({ id: "ruled", egress: "allowlist", network });
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual([body.egress, body.network], ["allowlist", network]);
    assert.equal(home.cluster.count("PATCH", "/pods/") - before, 1);
    assert.deepEqual(annotationOf("ruled"), network);
  });

  it("tell the sandbox where the proxy is, in both spellings, and leave its own variables to it", async () => {
    await create({ id: "env", env: { http_proxy: "mine", A: "1" }, network: { allow: ["*"] } });
    const { env } = home.sandbox.claims.at(-1)?.body as { env: Record<string, string> };
    assert.deepEqual(env, {
      ...{ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: "localhost,127.0.0.1,::1" },
      ...{ http_proxy: "mine", https_proxy: proxy, no_proxy: "localhost,127.0.0.1,::1", A: "1" },
    });
    // What is a secret is not in env too: the sandbox's server takes no name twice.
    await create({ id: "own", secrets: { HTTPS_PROXY: "mine" }, network: { allow: ["*"] } });
    const own = home.sandbox.claims.at(-1)?.body as { env: object; secrets: object };
    assert.deepEqual([Object.hasOwn(own.env, "HTTPS_PROXY"), own.secrets], [false, { HTTPS_PROXY: "mine" }]);
    await create({ id: "narrow", egress: "blocked" });
    assert.deepEqual((home.sandbox.claims.at(-1)?.body as { env: object }).env, {});
    assert.equal(annotationOf("narrow"), null);
  });

  it("change while the sandbox runs; a list that is not named stays", async () => {
    await create({ id: "moving", network: { allow: ["a.example"], deny: ["b.example"] } });
    const one = await replica.call("PATCH", "/v1/sandboxes/moving/network", { allow: ["c.example:8443"] });
    assert.equal(one.statusCode, 200, one.body);
    assert.deepEqual(one.json<Answer>().network, { allow: ["c.example:8443"], deny: ["b.example"] });
    const both = await Promise.all([
      replica.call("PATCH", "/v1/sandboxes/moving/network", { allow: [] }),
      replica.call("PATCH", "/v1/sandboxes/moving/network", { deny: [] }),
    ]);
    assert.deepEqual(
      both.map(({ statusCode }) => statusCode),
      [200, 200],
    );
    assert.deepEqual(annotationOf("moving"), { allow: [], deny: [] });
    // The same request again is still the same request.
    const { status } = await create({ id: "moving", network: { allow: ["a.example"], deny: ["b.example"] } });
    assert.equal(status, 200);
  });

  it("name what is wrong with them", async () => {
    const network = { allow: ["http://example.com", "*.127.1", "ok.example"], deny: ["a b"] };
    const { status, body } = await create({ network });
    assert.equal(status, 422);
    assert.deepEqual(
      body.errors.map(({ field }) => field),
      ["network.allow.0", "network.allow.1", "network.deny.0"],
    );
    assert.match(body.errors[0]?.message ?? "", /must be a name/);
    for (const change of [{}, { allow: ["-"] }, { open: true }])
      assert.equal((await replica.call("PATCH", "/v1/sandboxes/ruled/network", change)).statusCode, 422);
  });

  it("are not taken, and no pod is claimed for them, while nobody knows where the proxy is", async () => {
    const other = await house();
    try {
      other.cluster.put("configmaps", environment("default", 1, { egress: "allowlist" }));
      const started = await other.start({ EGRESS_PROXY_URL: proxyName });
      await eventually("a pod is idle", async () => {
        const { items } = (await started.call("GET", "/v1/environments")).json<{
          items: { pool: { ready: number } }[];
        }>();
        return items[0]?.pool.ready === 1;
      });
      const refused = await create({ id: "early" }, started);
      assert.deepEqual([refused.status, /egress proxy/.test(refused.body.detail)], [503, true]);
      assert.equal(other.cluster.count("PATCH", "/pods/"), 0);
      assert.equal((await create({ id: "narrow", egress: "blocked" }, started)).status, 201);

      other.cluster.put("services", service("None"));
      assert.equal((await create({ id: "early" }, started)).status, 503, "it has no address");
      other.cluster.put("services", service("fd00::31"));
      assert.equal((await create({ id: "early" }, started)).status, 201);
      const { env } = other.sandbox.claims.at(-1)?.body as { env: Record<string, string> };
      assert.equal(env["HTTP_PROXY"], "http://[fd00::31]:3128");
      const asked = other.cluster.count("GET", "/services/egress-proxy");
      assert.equal((await create({ id: "later" }, started)).status, 201);
      assert.equal(other.cluster.count("GET", "/services/egress-proxy"), asked, "it is known by now");
    } finally {
      await other.end();
    }
  });

  it("wait, in a create, for an API server in trouble to tell where the proxy is", async () => {
    const other = await house();
    try {
      other.cluster.put("configmaps", environment("default", 0, { egress: "allowlist" }));
      other.cluster.put("services", service("10.43.0.32"));
      const patience = { API_PATIENCE_SECONDS: "1", READY_TIMEOUT_SECONDS: "10" };
      const started = await other.start({ EGRESS_PROXY_URL: proxyName, ...patience });
      const end = performance.now() + 2_500;
      other.cluster.fault = ({ path }) =>
        path.endsWith("/services/egress-proxy") && performance.now() < end ? { status: 500 } : undefined;
      const { status, body } = await create({ id: "patient" }, started);
      assert.equal(status, 201, JSON.stringify(body));
      const { env } = other.sandbox.claims.at(-1)?.body as { env: Record<string, string> };
      assert.equal(env["HTTP_PROXY"], "http://10.43.0.32:3128");
    } finally {
      await other.end();
    }
  });

  it("are refused where nothing would keep them", async () => {
    const blocked = await create({ id: "x", environment: "closed", network: { allow: ["*"] } });
    assert.deepEqual([blocked.status, /"allowlist" only/.test(blocked.body.detail)], [422, true]);
    const narrowed = await create({ id: "x", egress: "blocked", network: { allow: ["*"] } });
    assert.equal(narrowed.status, 422);
    assert.equal(
      (await replica.call("PATCH", "/v1/sandboxes/narrow/network", { allow: [] })).statusCode,
      422,
    );
    const without = await home.start();
    const refused = await create({ id: "x", network: { allow: ["*"] } }, without);
    assert.deepEqual([refused.status, /EGRESS_PROXY_URL/.test(refused.body.detail)], [422, true]);
  });

  it("show in the sandbox's events what the proxy refused to it, and to no other", async () => {
    const stream = replica.call("GET", "/v1/sandboxes/ruled/events", undefined, { "x-api-key": apiKey });
    const podOf = (id: string) =>
      home.cluster.pods().find(({ metadata }) => metadata.labels?.["sandlot.dev/sandbox-id"] === id)?.metadata
        .uid;
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const [id, host, reason] of [
      ["moving", "other.example", "not_allowed"],
      // A proxy of another version may have reasons that the document of this provisioner does not.
      ["ruled", "later.example", "of_tomorrow"],
      ["ruled", "evil.example", "not_allowed"],
    ] as const)
      home.cluster.put("events", {
        metadata: {
          name: `${id}.${host}`,
          labels: { "app.kubernetes.io/managed-by": "sandlot-egress-proxy" },
          annotations: {
            "sandlot.dev/egress-refusal": JSON.stringify({ host, port: 443, reason, count: 3 }),
          },
        },
        involvedObject: { uid: podOf(id) },
      } as never);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await replica.call("DELETE", "/v1/sandboxes/ruled");
    const text = (await stream).body;
    assert.match(
      text,
      /^event: egress-refused\ndata: \{"host":"evil.example","port":443,"reason":"not_allowed","count":3/m,
    );
    assert.doesNotMatch(text, /other\.example|later\.example/);
    const [, data = ""] = /^event: egress-refused\ndata: (.*)$/m.exec(text) ?? [];
    const { validator } = await documented(replica);
    const described = { $ref: "document#/components/schemas/EgressRefused" };
    assert.ok(validator.validate(described, JSON.parse(data)), validator.errorsText());
    assert.ok(!validator.validate(described, { ...JSON.parse(data), reason: "of_tomorrow" }));
  });
});
