// Headers through the router: nothing of the connection, the caller's credentials or other origins' state passes.
import assert from "node:assert/strict";

import { authorizationIsOwn, credentialOf } from "../../../../provisioner/src/router/credentials.js";
import {
  requestHeaders,
  responseHeaders,
  type RequestContext,
} from "../../../../provisioner/src/router/headers.js";
import type { Target } from "../../../../provisioner/src/router/target.js";

const token = "t".repeat(43);
const api: Target = { id: "a", port: undefined, token: undefined, path: "/v1", prefix: "/sandboxes/a" };
const port: Target = { ...api, port: 3000, prefix: "/sandboxes/a/ports/3000" };
const byToken: Target = { ...port, token, prefix: `/sandboxes/a/t/${token}/ports/3000` };
const byHost: Target = { ...port, prefix: "" };

const context = (target: Target, fields: Partial<RequestContext> = {}): RequestContext => ({
  target,
  address: "10.42.0.7",
  port: target.port ?? 8080,
  token: target.port === undefined ? "the-sandbox-token" : undefined,
  keepAuthorization: false,
  clientAddress: "192.0.2.9",
  encrypted: false,
  host: "router.example:8002",
  ...fields,
});

describe("router: headers of requests", () => {
  it("drops what belongs to one connection, and what Connection names", () => {
    const raw = [
      ["Connection", "keep-alive, X-Secret"],
      ["connection", "X-Other"],
      ["Keep-Alive", "5"],
      ["Proxy-Connection", "close"],
      ["Proxy-Authorization", "Basic x"],
      ["TE", "trailers"],
      ["Trailer", "X-Sum"],
      ["Transfer-Encoding", "chunked"],
      ["Upgrade", "h2c"],
      ["HTTP2-Settings", "x"],
      ["Expect", "100-continue"],
      ["Content-Length", "5"],
      ["X-Secret", "1"],
      ["x-other", "2"],
      ["X-Kept", "one"],
      ["x-kept", "two"],
      ["Accept", "*/*"],
    ].flat();
    assert.deepEqual(requestHeaders(raw, context(api)), {
      "x-kept": ["one", "two"],
      accept: "*/*",
      host: "10.42.0.7:8080",
      "x-forwarded-for": "192.0.2.9",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "router.example:8002",
      "x-forwarded-prefix": "/sandboxes/a",
      "x-sandbox-token": "the-sandbox-token",
    });
  });

  it("drops credentials and claims about the caller, in every spelling", () => {
    const raw = [
      ["Host", "evil.example"],
      ["X-API-Key", "k"],
      ["X-Sandbox-Token", "mine"],
      ["X_Sandbox_Token", "mine"],
      ["Authorization", "Bearer b"],
      ["Cookie", "c=1"],
      ["X-Forwarded-For", "127.0.0.1"],
      ["X_Forwarded_For", "127.0.0.1"],
      ["X-Forwarded-Host", "evil.example"],
      ["X-Forwarded-Prefix", "/evil"],
      ["X-Forwarded-Port", "1"],
      ["Forwarded", "for=127.0.0.1"],
      ["X-Real-IP", "127.0.0.1"],
      ["Via", "1.1 x"],
    ].flat();
    assert.deepEqual(requestHeaders(raw, context(port)), {
      host: "localhost:3000",
      "x-forwarded-for": "192.0.2.9",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "router.example:8002",
      "x-forwarded-prefix": "/sandboxes/a/ports/3000",
    });
  });

  it("keeps a token in the path from the code in the sandbox", () => {
    const raw = ["Referer", `http://r/sandboxes/a/t/${token}/ports/3000/`, "X-Kept", "1"];
    const sent = requestHeaders(raw, context(byToken));
    assert.equal(JSON.stringify(sent).includes(token), false);
    assert.equal(sent["x-kept"], "1");
  });

  it("passes cookies where the sandbox has a host of its own, and knows of TLS in front", () => {
    const sent = requestHeaders(["Cookie", "c=1", "X-Forwarded-Proto", "https"], context(byHost));
    assert.deepEqual(
      [sent["cookie"], sent["x-forwarded-proto"], sent["x-forwarded-prefix"]],
      ["c=1", "https", undefined],
    );
    assert.equal(requestHeaders([], context(byHost, { encrypted: true }))["x-forwarded-proto"], "https");
    assert.equal(
      requestHeaders(["X-Forwarded-Proto", "javascript"], context(byHost))["x-forwarded-proto"],
      "http",
    );
    assert.equal(requestHeaders([], context(api, { address: "fd00::7" }))["host"], "[fd00::7]:8080");
  });

  it("passes a user's server's own Authorization and never the router's", () => {
    const keep = (target: Target, headers: Record<string, string>): boolean => {
      const credential = credentialOf(target, headers);
      assert.notEqual(credential, undefined);
      return authorizationIsOwn(target, headers, credential ?? { kind: "key", key: "" });
    };
    assert.equal(keep(port, { authorization: `Bearer ${token}` }), false);
    assert.equal(keep(port, { authorization: `Bearer ${token}`, "x-sandbox-token": token }), false);
    assert.equal(keep(port, { authorization: "Bearer key", "x-api-key": "key" }), false);
    assert.equal(keep(byToken, { authorization: `Bearer ${token}` }), false);
    assert.equal(keep(byToken, { authorization: "Bearer of-the-app" }), true);
    assert.equal(keep(port, { authorization: "Basic YTpi", "x-api-key": "key" }), true);
    assert.equal(keep(api, { authorization: "Bearer of-the-app", "x-api-key": "key" }), false);
    const raw = ["Authorization", "Basic YTpi"];
    assert.equal(
      requestHeaders(raw, context(port, { keepAuthorization: true }))["authorization"],
      "Basic YTpi",
    );
  });
});

describe("router: headers of answers", () => {
  const answer = {
    connection: "close, x-own",
    "x-own": "1",
    "transfer-encoding": "chunked",
    "keep-alive": "timeout=5",
    "content-type": "text/html",
    "set-cookie": ["s=1; Path=/; Domain=.example.com; Secure", "t=2"],
    "clear-site-data": '"*"',
    "service-worker-allowed": "/",
    "alt-svc": 'h3="evil.example:443"',
    "strict-transport-security": "max-age=9",
    "x-sandbox-token": "x",
    "content-security-policy": "default-src *",
  };

  it("leaves a page in a shared origin no way to the other pages of it", () => {
    assert.deepEqual(responseHeaders(answer, port), {
      "content-type": "text/html",
      "content-security-policy": [
        "default-src *",
        "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts",
      ],
    });
    assert.equal(responseHeaders(answer, byToken)["referrer-policy"], "no-referrer");
  });

  it("leaves a host of its own its cookies, but not those of other hosts", () => {
    const kept = responseHeaders(answer, byHost);
    assert.deepEqual(kept["set-cookie"], ["s=1; Path=/; Secure", "t=2"]);
    assert.equal(kept["content-security-policy"], "default-src *");
    assert.equal(kept["service-worker-allowed"], undefined);
  });

  it("makes redirects within a user's server lead there again, and no others", () => {
    const located = (location: string, target: Target): unknown =>
      responseHeaders({ location }, target)["location"];
    assert.equal(located("/login?x", port), "/sandboxes/a/ports/3000/login?x");
    assert.equal(located("http://localhost:3000/login", port), "/sandboxes/a/ports/3000/login");
    assert.equal(located("http://localhost:30001/login", port), "http://localhost:30001/login");
    assert.equal(located("//evil.example/", port), "//evil.example/");
    assert.equal(located("http://169.254.169.254/", port), "http://169.254.169.254/");
    assert.equal(located("next", port), "next");
    assert.equal(located("/login", byHost), "/login");
  });
});
