// The full API, and that its OpenAPI document says what it does: every answer here is held against the document.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createSchema } from "../../../provisioner/src/http/v1-schemas.js";
import { documented, type Documented } from "./documented.js";
import { apiKey, environment, eventually, house, type House, type Replica } from "./house.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("/v1", () => {
  let home: House;
  let replica: Replica;
  let api: Documented;
  let folder: string;
  const keys = { one: `${"1".repeat(20)}-one`, two: `${"2".repeat(20)}-two` };

  const writeKeys = (tenants: object): void => {
    writeFileSync(join(folder, "keys.json"), JSON.stringify({ version: 1, tenants }));
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "sandlot-keys-"));
    writeKeys({
      one: {
        keys: [{ name: "k", sha256: sha256(keys.one) }],
        environments: ["default"],
        quota: { sandboxes: 2 },
      },
      two: { keys: [{ name: "k", sha256: sha256(keys.two) }] },
    });
    home = await house();
    home.cluster.put("configmaps", environment("other", 0));
    replica = await home.start({ API_KEYS_FILE: join(folder, "keys.json"), SIGNING_KEY_FILE: "" });
    api = await documented(replica);
  });

  after(async () => {
    await home.end();
    rmSync(folder, { recursive: true });
  });

  const call: Documented["call"] = (...request) => api.call(...request);

  it("is described in OpenAPI 3.1, with every reference in place", () => {
    const { document, validator } = api;
    assert.equal(document.openapi, "3.1.0");
    const references = [
      ...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g),
    ].map(([, name]) => name ?? "");
    assert.ok(references.length > 10);
    for (const name of references) assert.ok(name in document.components.schemas, name);
    for (const schema of Object.values(document.components.schemas))
      assert.ok(validator.compile({ ...schema, components: document.components }));
  });

  it("says in OpenAPI how many variables and labels a create takes, and takes no more", async () => {
    const { properties } = api.document.components.schemas["CreateSandbox"] as {
      properties: Record<string, { maxProperties: number }>;
    };
    for (const [field, most] of [
      ["env", 128],
      ["secrets", 128],
      ["labels", 32],
    ] as const) {
      assert.equal(properties[field]?.maxProperties, most, field);
      const many = Object.fromEntries(Array.from({ length: most + 1 }, (_, index) => [`A${index}`, "a"]));
      const answer = await call("POST", "/v1/sandboxes", { [field]: many });
      assert.deepEqual(
        answer.json<{ errors: { field: string }[] }>().errors.map((error) => error.field),
        [field],
      );
    }
  });

  it("creates, gets, lists, extends and deletes", async () => {
    const made = await call("POST", "/v1/sandboxes", {
      id: "life",
      labels: { team: "x" },
      env: { A: "1" },
      softTimeoutSeconds: 60,
    });
    assert.equal(made.statusCode, 201);
    assert.equal(made.headers.location, "/v1/sandboxes/life");
    const sandbox = made.json<{ state: string; start: string; token: string; expiresAt: string }>();
    assert.deepEqual([sandbox.state, sandbox.start], ["running", "cold"]);
    assert.match(sandbox.token, /^[\w-]{43}$/);
    assert.equal((await call("GET", "/v1/sandboxes/life")).json<{ token: string }>().token, sandbox.token);
    const extended = (await call("POST", "/v1/sandboxes/life/extend", { seconds: 7200 })).json<{
      expiresAt: string;
    }>();
    assert.ok(new Date(extended.expiresAt).getTime() - Date.now() > 7_000_000);
    assert.equal((await call("GET", "/v1/sandboxes/life/logs?tailLines=5")).body, "a line\n");
    assert.equal((await call("DELETE", "/v1/sandboxes/life")).statusCode, 204);
    assert.equal((await call("GET", "/v1/sandboxes/life")).statusCode, 404);
    assert.equal((await call("DELETE", "/v1/sandboxes/life")).statusCode, 404);
  });

  it("pages through what labels select", async () => {
    await Promise.all(
      ["p1", "p2", "p3", "p4"].map((id) =>
        call("POST", "/v1/sandboxes", { id, labels: { page: id === "p4" ? "no" : "yes" } }),
      ),
    );
    const first = (await call("GET", "/v1/sandboxes?labels=page%3Dyes&limit=2")).json<{
      items: { id: string }[];
      next: string;
    }>();
    assert.deepEqual(
      first.items.map(({ id }) => id),
      ["p1", "p2"],
    );
    const rest = (await call("GET", `/v1/sandboxes?labels=page%3Dyes&limit=2&after=${first.next}`)).json<{
      items: { id: string }[];
      next?: string;
    }>();
    assert.deepEqual(
      rest.items.map(({ id }) => id),
      ["p3"],
    );
    assert.equal(rest.next, undefined);
    assert.equal((await call("GET", "/v1/sandboxes?labels=%2C")).statusCode, 422);
  });

  it("makes one sandbox for one idempotency key, and refuses the key for another request", async () => {
    const key = { "idempotency-key": "order 66" };
    const one = await call("POST", "/v1/sandboxes", { labels: { a: "1" } }, key);
    const two = await call("POST", "/v1/sandboxes", { labels: { a: "1" } }, key);
    assert.deepEqual([one.statusCode, two.statusCode], [201, 200]);
    assert.equal(one.json<{ id: string }>().id, two.json<{ id: string }>().id);
    assert.equal((await call("POST", "/v1/sandboxes", { labels: { a: "2" } }, key)).statusCode, 409);
    assert.equal((await call("POST", "/v1/sandboxes", { id: "x" }, key)).statusCode, 422);
  });

  it("names every wrong field", async () => {
    const answer = await call("POST", "/v1/sandboxes", {
      id: "A",
      env: { SANDBOXD_HOME: "x" },
      hardTimeoutSeconds: 1,
      colour: "red",
    });
    assert.equal(answer.statusCode, 422);
    assert.match(answer.headers["content-type"] as string, /^application\/problem\+json/);
    const fields = answer.json<{ errors: { field: string }[] }>().errors.map(({ field }) => field);
    for (const field of ["id", "hardTimeoutSeconds"]) assert.ok(fields.includes(field), fields.join());
    assert.equal((await call("POST", "/v1/sandboxes", { environment: "nowhere" })).statusCode, 422);
    assert.equal((await call("POST", "/v1/sandboxes", { egress: "open" })).statusCode, 422);
    assert.equal(
      (await call("POST", "/v1/sandboxes", { softTimeoutSeconds: 90_000, hardTimeoutSeconds: 60 }))
        .statusCode,
      422,
    );
  });

  it("says of each wrong field what it is and what it must be, but nothing of what variables hold", async () => {
    const told = async (body: object): Promise<Record<string, string>> => {
      const answer = await call("POST", "/v1/sandboxes", body);
      assert.equal(answer.statusCode, 422);
      const { errors } = answer.json<{ errors: { field: string; message: string }[] }>();
      return Object.fromEntries(errors.map(({ field, message }) => [field, message]));
    };
    const name = "its name must be letters, digits and _, and begin with no digit and not with SANDBOXD_";
    const wrong = await told({
      id: "A",
      env: { SANDBOXD_HOME: "hush", "1BAD": "hush", A: 5 },
      secrets: { B: ["hush"] },
      labels: { "a/b": "x", c: "-" },
      softTimeoutSeconds: 0,
      idleTimeoutSeconds: 12.5,
      egress: "wide",
      runtime: "x".repeat(300),
      userData: {},
      network: { allow: ["-"], rules: [] },
      colour: "red",
    });
    const expected: Record<string, string> = {
      ...{ "env.SANDBOXD_HOME": name, "env.1BAD": name, "env.A": "must be a text" },
      id: 'is "A", but must be 1 to 51 lower-case letters, digits and hyphens, with a letter or digit at both ends',
      "secrets.B": "must be a text",
      "labels.c":
        'is "-", but must be at most 63 letters, digits, -, _ and ., with a letter or digit at both ends',
      softTimeoutSeconds: "is 0, but must be at least 1",
      idleTimeoutSeconds: "is 12.5, but must be a whole number",
      egress: 'is "wide", but must be one of "blocked", "allowlist", "open"',
      runtime: `is "${"x".repeat(140)}…", but must have at most 253 characters`,
      "userData.userId": "is not given, but must be a text",
      "network.rules": "is not known here: what is known is allow, deny",
    };
    for (const [field, message] of Object.entries(expected)) assert.equal(wrong[field], message, field);
    assert.match(wrong["labels.a/b"] ?? "", /^its key must have no prefix/);
    assert.match(wrong["network.allow.0"] ?? "", /^is "-", but must be a name/);
    assert.match(wrong["colour"] ?? "", /^is not known here: what is known is id, environment, /);
    assert.ok(!JSON.stringify(wrong).includes("hush"));
    const labels = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`l${index}`, ""]));
    assert.deepEqual(await told({ labels }), { labels: "has 33 labels, but must have at most 32" });
    assert.deepEqual(await told([]), { body: "must be an object" });
    const lists = await told({
      network: { allow: Array.from({ length: 101 }, () => "a.example") },
      secrets: { A: "h".repeat(65_537) },
    });
    assert.deepEqual(lists, {
      "network.allow": "has 101 entries, but must have at most 100 entries",
      "secrets.A": "has 65537 characters, but must have at most 65536 characters",
    });
    for (const [key, body, message] of [
      ["", {}, 'is "", but must have at least 1 character'],
      ["k", { id: "a" }, "must be absent with id, which does the same"],
    ] as const) {
      const header = await call("POST", "/v1/sandboxes", body, { "idempotency-key": key });
      assert.deepEqual(header.json<{ errors: object[] }>().errors, [{ field: "Idempotency-Key", message }]);
    }
    const query = await call("GET", "/v1/sandboxes?limit=many&page=2");
    assert.deepEqual(query.json<{ errors: object[] }>().errors, [
      { field: "limit", message: 'is "many", but must be a number' },
      { field: "page", message: "is not known here: what is known is labels, limit, after" },
    ]);
  });

  it("says what an id was asked for with before, as far as the sandbox shows it", async () => {
    const first = { id: "before", labels: { a: "1" }, idleTimeoutSeconds: 60, env: { A: "1" } };
    assert.equal((await call("POST", "/v1/sandboxes", first)).statusCode, 201);
    const seen = await call("POST", "/v1/sandboxes", {
      ...{
        ...first,
        labels: { a: "2" },
        idleTimeoutSeconds: undefined,
        resources: { limits: { cpu: "500m" } },
      },
    });
    assert.equal(seen.statusCode, 409);
    const { detail, errors } = seen.json<{ detail: string; errors: object[] }>();
    assert.match(detail, /resources\.limits\.cpu, labels, idleTimeoutSeconds; delete it or take another id$/);
    assert.deepEqual(errors, [
      { field: "resources.limits.cpu", message: 'is "500m", but was "1" when the sandbox was created' },
      { field: "labels", message: 'is {"a":"2"}, but was {"a":"1"} when the sandbox was created' },
      { field: "idleTimeoutSeconds", message: "is not given, but was 60 when the sandbox was created" },
    ]);
    const unseen = await call("POST", "/v1/sandboxes", { ...first, env: { A: "2" } });
    assert.equal(unseen.statusCode, 409);
    assert.match(
      unseen.json<{ detail: string }>().detail,
      /not shown of it: env, secrets, network or a timeout/,
    );
    assert.equal(unseen.json<{ errors?: object }>().errors, undefined);
    assert.equal((await call("DELETE", "/v1/sandboxes/before")).statusCode, 204);
  });

  it("tells a tenant nothing of another's sandboxes", async () => {
    const [one, two] = [{ "x-api-key": keys.one }, { "x-api-key": keys.two }];
    const made = await call("POST", "/v1/sandboxes", { id: "same", labels: { who: "one" } }, one);
    assert.equal(made.statusCode, 201);
    const absent = await call("GET", "/v1/sandboxes/never", undefined, two);
    for (const [method, url, body] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/logs"],
      ["GET", "/events"],
      ["POST", "/extend", { seconds: 1 }],
    ] as const) {
      const answer = await call(method, `/v1/sandboxes/same${url}`, body, two);
      assert.equal(answer.statusCode, 404);
      assert.equal(answer.body, absent.body);
    }
    assert.deepEqual((await call("GET", "/v1/sandboxes?labels=who%3Done", undefined, two)).json(), {
      items: [],
    });
    // The same id is theirs to use, and is another sandbox.
    const theirs = await call("POST", "/v1/sandboxes", { id: "same" }, two);
    assert.equal(theirs.statusCode, 201);
    assert.notEqual(theirs.json<{ token: string }>().token, made.json<{ token: string }>().token);
    assert.equal((await call("DELETE", "/v1/sandboxes/same", undefined, two)).statusCode, 204);
    assert.equal((await call("GET", "/v1/sandboxes/same", undefined, one)).statusCode, 200);
  });

  it("keeps a tenant to its quota and its environments", async () => {
    const one = { "x-api-key": keys.one };
    assert.equal((await call("POST", "/v1/sandboxes", { id: "second" }, one)).statusCode, 201);
    const burst = await Promise.all(
      ["q1", "q2", "q3"].map((id) => call("POST", "/v1/sandboxes", { id }, one)),
    );
    assert.deepEqual(
      burst.map(({ statusCode }) => statusCode),
      [429, 429, 429],
    );
    const unknown = await call("POST", "/v1/sandboxes", { environment: "nowhere" }, one);
    const forbidden = await call("POST", "/v1/sandboxes", { environment: "other" }, one);
    assert.equal(forbidden.body.replaceAll("other", "nowhere"), unknown.body);
    const seen = (await call("GET", "/v1/environments", undefined, one)).json<{
      items: { name: string }[];
    }>();
    assert.deepEqual(
      seen.items.map(({ name }) => name),
      ["default"],
    );
  });

  it("tells a tenant that calls too often when to come back, and serves others meanwhile", async () => {
    const windowSeconds = 3;
    writeKeys({
      one: {
        keys: [{ name: "k", sha256: sha256(keys.one) }],
        environments: ["default"],
        quota: { sandboxes: 2 },
      },
      two: { keys: [{ name: "k", sha256: sha256(keys.two) }] },
      often: {
        keys: [{ name: "k", sha256: sha256("often") }],
        // Long enough for a busy machine to come to all calls that are to be refused.
        rateLimit: { requests: 3, seconds: windowSeconds },
      },
    });
    const pause = () => new Promise((resolve) => setTimeout(resolve, windowSeconds * 1000 + 100));
    const often = (path = "/v1/environments") => call("GET", path, undefined, { "x-api-key": "often" });
    await eventually("its key works", async () => (await often()).statusCode === 200, 5_000);
    await pause();
    const burst = await Promise.all([1, 2, 3, 4, 5].map(() => often()));
    assert.deepEqual(burst.map(({ statusCode }) => statusCode).sort(), [200, 200, 200, 429, 429]);
    const refused = await often("/v1/sandboxes/nothing");
    assert.equal(refused.statusCode, 429);
    assert.match(refused.headers["retry-after"] as string, /^[1-3]$/);
    assert.match(refused.headers["content-type"] as string, /^application\/problem\+json/);
    assert.match(refused.json<{ detail: string }>().detail, /3 requests in 3 s/);
    const deerflow = await replica.call("GET", "/api/sandboxes", undefined, { "x-api-key": "often" });
    assert.equal(deerflow.statusCode, 429);
    assert.equal(
      (await call("GET", "/v1/environments", undefined, { "x-api-key": keys.two })).statusCode,
      200,
    );
    await pause();
    assert.equal((await often()).statusCode, 200);
  });

  it("refuses those whom nobody knows, all alike", async () => {
    for (const key of ["", "wrong", keys.one.slice(1), `${keys.one} `]) {
      const answer = await call("GET", "/v1/sandboxes", undefined, { "x-api-key": key });
      assert.equal(answer.statusCode, 401);
    }
    assert.equal(
      (await replica.call("GET", "/v1/nothing", undefined, { "x-api-key": "wrong" })).statusCode,
      401,
    );
  });

  it("takes over changed keys while it runs, and keeps the old ones when the file is broken", async () => {
    const status = async (key: string) =>
      (await call("GET", "/v1/environments", undefined, { "x-api-key": key })).statusCode;
    writeFileSync(join(folder, "keys.json"), "{");
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal(await status(keys.two), 200);
    writeKeys({ two: { keys: [{ name: "new", sha256: sha256("a new key for two") }] } });
    await eventually("the new key works", async () => (await status("a new key for two")) === 200, 5_000);
    assert.equal(await status(keys.two), 401);
    assert.equal(await status(apiKey), 200);
  });

  it("sends events as a sandbox changes, and says when it is gone", async () => {
    await call("POST", "/v1/sandboxes", { id: "watched" });
    const events = replica.call("GET", "/v1/sandboxes/watched/events");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await call("DELETE", "/v1/sandboxes/watched");
    const text = (await events).body;
    const kinds = [...text.matchAll(/^event: (\w+)$/gm)].map(([, kind]) => kind);
    assert.equal(kinds[0], "state");
    assert.equal(kinds.at(-1), "gone");
    assert.match(text, /"state":"stopping"/);
  });

  it("takes names of variables that every object has a field for", () => {
    const env = { toString: "a", constructor: "b" };
    assert.ok(createSchema.safeParse({ env, secrets: {} }).success);
    assert.equal(createSchema.safeParse({ env, secrets: { toString: "c" } }).success, false);
  });

  it("answers what is no JSON, too large or nowhere with problems", async () => {
    const send = (payload: string) =>
      replica.provisioner.app.inject({
        method: "POST",
        url: "/v1/sandboxes",
        payload,
        headers: { "x-api-key": apiKey, "content-type": "application/json" },
      });
    assert.equal((await send("{")).statusCode, 400);
    assert.equal((await send(`"${"x".repeat(2 * 1024 * 1024)}"`)).statusCode, 413);
    const nowhere = await replica.call("GET", "/v1/nowhere");
    assert.equal(nowhere.statusCode, 404);
    assert.match(nowhere.headers["content-type"] as string, /problem/);
  });
});
