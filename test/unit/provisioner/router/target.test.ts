// What a URL and a Host mean to the router: only what is written plainly means anything.
import assert from "node:assert/strict";

import fc from "fast-check";

import { isRouted, parseTarget, withoutToken } from "../../../../provisioner/src/router/target.js";

const token = "t".repeat(43);
const suffix = "sandboxes.example.com";
const parse = (url: string, host = "p:8002"): unknown => parseTarget(url, [host], suffix);

describe("router: target", () => {
  it("reads id, token, port and the rest of the path", () => {
    const cases: [string, object][] = [
      ["/sandboxes/a1", { id: "a1", port: undefined, token: undefined, path: "/", prefix: "/sandboxes/a1" }],
      ["/sandboxes/a1/", { id: "a1", port: undefined, token: undefined, path: "/", prefix: "/sandboxes/a1" }],
      [
        "/sandboxes/a1?x=/../%2f",
        { id: "a1", port: undefined, token: undefined, path: "/?x=/../%2f", prefix: "/sandboxes/a1" },
      ],
      [
        "/sandboxes/a-1/v1/bash/exec?q=1",
        { id: "a-1", port: undefined, token: undefined, path: "/v1/bash/exec?q=1", prefix: "/sandboxes/a-1" },
      ],
      [
        `/sandboxes/a/t/${token}/v1/sandbox`,
        { id: "a", port: undefined, token, path: "/v1/sandbox", prefix: `/sandboxes/a/t/${token}` },
      ],
      [
        "/sandboxes/a/ports/3000/x/y",
        { id: "a", port: 3000, token: undefined, path: "/x/y", prefix: "/sandboxes/a/ports/3000" },
      ],
      [
        "/sandboxes/a/ports/65535",
        { id: "a", port: 65535, token: undefined, path: "/", prefix: "/sandboxes/a/ports/65535" },
      ],
      [
        `/sandboxes/a/t/${token}/ports/3000?z`,
        { id: "a", port: 3000, token, path: "/?z", prefix: `/sandboxes/a/t/${token}/ports/3000` },
      ],
      [
        "/sandboxes/a/ports/3000/sandboxes/b/ports/22",
        {
          id: "a",
          port: 3000,
          token: undefined,
          path: "/sandboxes/b/ports/22",
          prefix: "/sandboxes/a/ports/3000",
        },
      ],
      [
        "/sandboxes/a/ports/3000//evil.example/x",
        {
          id: "a",
          port: 3000,
          token: undefined,
          path: "//evil.example/x",
          prefix: "/sandboxes/a/ports/3000",
        },
      ],
      [
        "/sandboxes/a/ports/3000/a%20b%252f",
        { id: "a", port: 3000, token: undefined, path: "/a%20b%252f", prefix: "/sandboxes/a/ports/3000" },
      ],
    ];
    for (const [url, target] of cases) assert.deepEqual(parse(url), target, url);
  });

  it("reads port and id from a host below the suffix, whatever the path says", () => {
    for (const host of [`3000-a-1.${suffix}`, `3000-A-1.SANDBOXES.example.com:443`, `3000-a-1.${suffix}.`])
      assert.deepEqual(parse("/sandboxes/other/x", host), {
        id: "a-1",
        port: 3000,
        token: undefined,
        path: "/sandboxes/other/x",
        prefix: "",
      });
    for (const host of [suffix, `evil${suffix}`, `3000-a.${suffix}.evil.example`, "3000-a.other.example"])
      assert.equal(isRouted("/api/sandboxes", host, suffix), false, host);
    for (const host of [
      `a.${suffix}`,
      `3000-.${suffix}`,
      `3000-a.b.${suffix}`,
      `-a.${suffix}`,
      `3000-a_b.${suffix}`,
    ]) {
      assert.equal(isRouted("/api/sandboxes", host, suffix), true, host);
      assert.equal((parse("/", host) as { status: number }).status, 404, host);
    }
    assert.equal((parse("/", `80-a.${suffix}`) as { status: number }).status, 400);
    assert.equal(isRouted("/api/sandboxes", `3000-a.${suffix}`, undefined), false);
  });

  it("refuses what another parser could read otherwise", () => {
    for (const url of [
      "http://169.254.169.254/latest/meta-data",
      "http://p:8002/sandboxes/a/v1/sandbox",
      "//sandboxes/a/v1/sandbox/../../b",
      "*",
      "p:443",
      "/sandboxes/a/../b/v1/sandbox",
      "/sandboxes/a/..",
      "/sandboxes/a/./v1",
      "/sandboxes/a/%2e%2e/b",
      "/sandboxes/a/.%2E/b",
      "/sandboxes/a/..;/b",
      "/sandboxes/a/.;x/b",
      "/sandboxes/a/v1%2f..%2fb",
      "/sandboxes/a/v1%5C..",
      "/sandboxes/a/v1\\..\\b",
      "/sandboxes/a/x%00",
      "/sandboxes/a/x%0d%0aHost:%20evil",
      "/sandboxes/a/%zz",
      "/sandboxes/a/%2",
      "/sandboxes/a/x#y",
      "/sandboxes/a/é",
      "/sandboxes/a/ports/3000@evil.example:80/\u00a0",
      `/sandboxes/a/${"x".repeat(9000)}`,
    ])
      assert.equal((parse(url) as { status?: number }).status, 400, url);
    for (const digits of [
      "0",
      "80",
      "1023",
      "65536",
      "99999",
      "003000",
      "+3000",
      "3000.0",
      "0x1f90",
      "3e3",
      "",
      "-1",
      "8080:80",
      "%33000",
    ])
      assert.equal((parse(`/sandboxes/a/ports/${digits}/x`) as { status?: number }).status, 400, digits);
    assert.equal((parseTarget("/sandboxes/a", ["a", "b"], suffix) as { status?: number }).status, 400);
  });

  it("knows no sandbox by a name that cannot be one", () => {
    for (const id of [
      "A",
      "a_b",
      "-a",
      "a-",
      "a.b",
      "%61",
      "10.0.0.1",
      "localhost:80",
      "a@b",
      "a".repeat(52),
      "",
    ])
      assert.equal((parse(`/sandboxes/${id}/v1/sandbox`) as { status?: number }).status, 404, id);
    for (const wrong of ["short", "x".repeat(513), "a.b.c.d.e.f.g.h.i.j", ""])
      assert.equal((parse(`/sandboxes/a/t/${wrong}/v1`) as { status?: number }).status, 404, wrong);
    assert.equal((parse("/sandboxes") as { status?: number }).status, 404);
  });

  it("whatever is sent, gives a refusal or a plain path below the prefix", () => {
    const part = fc.constantFrom(
      ...[
        "sandboxes",
        "a",
        "t",
        token,
        "ports",
        "3000",
        "..",
        ".",
        "%2e%2e",
        "%2f",
        "//",
        "?",
        "#",
        "@",
        ":",
        "%",
        "\\",
        "\0",
        "é",
        "x",
        ";",
      ],
    );
    const url = fc
      .array(fc.oneof(part, fc.constant("/"), fc.string({ maxLength: 4 })), { maxLength: 14 })
      .map((parts) => `/sandboxes/a/${parts.join("/")}`);
    fc.assert(
      fc.property(url, (one) => {
        const result = parseTarget(one, ["p"], suffix);
        if ("status" in result) return;
        const { id, path, prefix, port } = result;
        assert.equal(id, "a");
        assert.equal(path.startsWith("/"), true);
        assert.match(path, /^[\x21-\x7e]+$/);
        assert.equal(one.startsWith(prefix), true);
        assert.equal(port === undefined || (port >= 1024 && port <= 65535), true);
        // A client that normalises the path ends up in the same place.
        const [plain = ""] = path.split("?", 1);
        assert.equal(new URL(`http://h${plain.replace(/^\/+/, "/")}`).pathname, plain.replace(/^\/+/, "/"));
      }),
      { numRuns: 3000 },
    );
  });

  it("leaves tokens out of what is logged", () => {
    assert.equal(withoutToken(`/sandboxes/a/t/${token}/v1?x=1`), "/sandboxes/a/t/…/v1?x=1");
    assert.equal(withoutToken(`http://h/sandboxes/a/t/${token}`), "http://h/sandboxes/a/t/…");
    assert.equal(withoutToken("/api/sandboxes"), "/api/sandboxes");
  });
});
