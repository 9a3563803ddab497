// Which status each operation of /v1 answers when something is wrong, and that its OpenAPI document has it: every answer here is
// held against the document.
import assert from "node:assert/strict";

import { mostEvents } from "../../../provisioner/src/http/events.js";
import { documented, type Documented } from "./documented.js";
import { isUpkeep, type Fault } from "./fake-cluster.js";
import { environment, house, type House, type Replica } from "./house.js";

const operations = [
  ["GET", "/v1/sandboxes/there"],
  ["DELETE", "/v1/sandboxes/there"],
  ["POST", "/v1/sandboxes/there/extend", { seconds: 60 }],
  ["PATCH", "/v1/sandboxes/there/network", { allow: [] }],
  ["GET", "/v1/sandboxes/there/logs"],
] as const;

describe("statuses of /v1", () => {
  let home: House;
  let replica: Replica;
  let api: Documented;

  before(async () => {
    home = await house();
    home.cluster.put("configmaps", environment("default", 0, { egress: "allowlist" }));
    replica = await home.start({ EGRESS_PROXY_URL: "http://10.0.0.9:3128" });
    api = await documented(replica);
    const { statusCode } = await api.call("POST", "/v1/sandboxes", { id: "there" });
    assert.equal(statusCode, 201);
  });
  afterEach(() => {
    home.cluster.fault = () => undefined;
  });
  after(() => home.end());

  /** What all requests but those of the background get. */
  const failing = (fault: Fault): void => {
    home.cluster.fault = (request) => (isUpkeep(request) ? undefined : fault);
  };
  const problemOf = async (...request: Parameters<Documented["call"]>) => {
    const answer = await api.call(...request);
    return {
      status: answer.statusCode,
      ...answer.json<{ detail?: string; errors?: { field: string; message: string }[] }>(),
    };
  };

  it("are documented for every operation, those that anything may lead to among them", () => {
    const all = Object.entries(api.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => method !== "parameters")
        .map(([method, { responses }]) => ({ path, method, statuses: Object.keys(responses) })),
    );
    assert.equal(all.length, 9);
    for (const { path, method, statuses } of all) {
      const body = method === "get" ? [] : ["400", "413", "415"];
      const named = path.includes("{id}") ? ["400", "404", "414"] : [];
      for (const status of ["401", "429", "500", "503", ...body, ...named])
        assert.ok(statuses.includes(status), `${method} ${path} ${status}`);
    }
  });

  it("of what cannot be read are 400, 413, 414 and 415", async () => {
    const json = { "content-type": "application/json" };
    for (const [method, url] of [
      ...operations.filter(([one]) => one !== "GET"),
      ["POST", "/v1/sandboxes"],
    ] as const) {
      assert.equal((await api.call(method, url, "{", json)).statusCode, 400);
      assert.equal((await api.call(method, url, `"${"x".repeat(2 ** 20)}"`, json)).statusCode, 413);
      assert.equal((await api.call(method, url, "a=1", { "content-type": "text/csv" })).statusCode, 415);
    }
    assert.equal((await api.call("GET", "/v1/sandboxes/%zz")).statusCode, 400);
    assert.equal((await api.call("GET", `/v1/sandboxes/${"x".repeat(200)}`)).statusCode, 414);
  });

  it("are 503 where the cluster does not take the provisioner for itself, and say so", async () => {
    failing({ status: 401, reason: "Unauthorized" });
    for (const [method, url, body] of [...operations.slice(1), ["POST", "/v1/sandboxes", {}]] as const) {
      const { status, detail = "" } = await problemOf(method, url, body);
      assert.equal(status, 503, `${method} ${url}`);
      assert.match(detail, /provisioner's own credentials/);
    }
  });

  it("are 502 where the cluster refuses what we ask of it", async () => {
    failing({ status: 403, reason: "Forbidden", message: "no" });
    for (const [method, url, body] of [...operations.slice(1), ["POST", "/v1/sandboxes", {}]] as const)
      assert.equal((await problemOf(method, url, body)).status, 502, `${method} ${url}`);
  });

  it("are 502 for a create in a namespace that is gone: that is no sandbox which is not found", async () => {
    failing({ status: 404, reason: "NotFound", message: 'namespaces "test" not found' });
    const { status, detail = "" } = await problemOf("POST", "/v1/sandboxes", {});
    assert.equal(status, 502);
    assert.match(detail, /no place for sandboxes: namespaces "test" not found/);
    // To whoever names a sandbox, it is the sandbox that is not found.
    for (const [method, url, body] of operations.slice(2))
      assert.equal((await problemOf(method, url, body)).status, 404, `${method} ${url}`);
  });

  it("of a sandbox that has not started are 200 for its logs, which are empty", async () => {
    const message = 'container "sandbox" in pod "sandbox-there" is waiting to start: ContainerCreating';
    home.cluster.fault = ({ path }) =>
      path.endsWith("/log") ? { status: 400, reason: "BadRequest", message } : undefined;
    const answer = await api.call("GET", "/v1/sandboxes/there/logs");
    assert.deepEqual([answer.statusCode, answer.body], [200, ""]);
    assert.match(String(answer.headers["content-type"]), /^text\/plain/);
  });

  it("of one event stream too many are 503, as a problem", async () => {
    const most = mostEvents.ofTenant;
    const open = Array.from({ length: most }, () => replica.call("GET", "/v1/sandboxes/there/events"));
    const { status, detail = "" } = await problemOf("GET", "/v1/sandboxes/there/events");
    assert.equal(status, 503);
    assert.match(detail, /at most 200/);
    assert.equal((await api.call("DELETE", "/v1/sandboxes/there")).statusCode, 204);
    await Promise.all(open);
    assert.equal((await api.call("POST", "/v1/sandboxes", { id: "there" })).statusCode, 201);
  });

  it("of 422 name the field, whatever is wrong with it", async () => {
    home.cluster.put("configmaps", environment("closed", 0));
    const network = { allow: ["*"] };
    for (const [body, field, message] of [
      [
        { environment: "nowhere" },
        "environment",
        /^is "nowhere", but must be one of those of GET \/v1\/environments$/,
      ],
      [{ egress: "open" }, "egress", /^is "open", but the environment opens no more than "allowlist"$/],
      [{ egress: "blocked", network }, "network", /^has rules, but the sandbox's egress is "blocked"/],
    ] as const) {
      const { status, errors } = await problemOf("POST", "/v1/sandboxes", body);
      assert.equal(status, 422);
      assert.deepEqual(
        errors?.map((one) => one.field),
        [field],
      );
      assert.match(errors[0]?.message ?? "", message);
    }
    await api.call("POST", "/v1/sandboxes", { id: "shut", egress: "blocked" });
    const change = await problemOf("PATCH", "/v1/sandboxes/shut/network", { allow: [], deny: ["a.example"] });
    assert.deepEqual([change.status, change.errors?.map(({ field }) => field)], [422, ["allow", "deny"]]);
  });
});
