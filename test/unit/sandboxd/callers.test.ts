// Who may call: programs, as they are, and no web page of a browser that can reach the server.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";

import { type Server, startServer } from "./server";

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  message: string;
}

/** A request with these headers and no others; `fetch` would add and forbid some. */
function send(
  server: Server,
  method: string,
  path: string,
  headers: Record<string, string>,
  body = "",
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(server.client.baseUrl + path, { method, headers }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (part: string) => (text += part));
      incoming.on("end", () => {
        const { message = "" } = text === "" ? {} : (JSON.parse(text) as { message?: string });
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, message });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

const json = { "content-type": "application/json" };

describe("sandboxd: callers", function () {
  this.timeout(60_000);

  let server: Server;
  let marks = 0;

  before(async () => {
    server = await startServer({
      SANDBOXD_ALLOWED_ORIGINS: "https://agent.example, http://localhost:3000",
      SANDBOXD_ALLOWED_HOSTS: "sandbox.example.com,*.svc.corp.example",
    });
  });

  after(async () => {
    await server.stop();
  });

  /** Sends a command, and tells the answer and whether the command ran. */
  async function attempt(headers: Record<string, string>): Promise<Reply & { ran: boolean }> {
    const mark = join(server.home, `ran-${String(marks++)}`);
    const reply = await send(
      server,
      "POST",
      "/v1/bash/exec",
      headers,
      JSON.stringify({ command: `touch ${mark}` }),
    );
    return { ...reply, ran: existsSync(mark) };
  }

  const attacks: [string, Record<string, string>, number, RegExp][] = [
    [
      "a page's simple request",
      { origin: "https://evil.example", "content-type": "text/plain" },
      403,
      /"https:\/\/evil\.example".*SANDBOXD_ALLOWED_ORIGINS/,
    ],
    ["a page's JSON", { origin: "https://evil.example", ...json }, 403, /SANDBOXD_ALLOWED_ORIGINS/],
    ["a page without an origin of its own", { origin: "null", ...json }, 403, /"null"/],
    ["an empty origin", { origin: "", ...json }, 403, /SANDBOXD_ALLOWED_ORIGINS/],
    ["another port of this machine", { origin: "http://127.0.0.1:3000", ...json }, 403, /3000/],
    [
      "an origin that begins like an allowed one",
      { origin: "https://agent.example.evil.example", ...json },
      403,
      /evil/,
    ],
    ["a page that hides its origin", { "sec-fetch-site": "cross-site", ...json }, 403, /Sec-Fetch-Site/],
    ["a page of the same site", { "sec-fetch-site": "same-site", ...json }, 403, /Sec-Fetch-Site/],
    ["DNS rebinding", { host: "evil.example", ...json }, 403, /"evil\.example".*SANDBOXD_ALLOWED_HOSTS/],
    ["DNS rebinding with a port", { host: "evil.example:8080", ...json }, 403, /SANDBOXD_ALLOWED_HOSTS/],
    [
      "a domain that looks like a Service's",
      { host: "a.svc.evil.example", ...json },
      403,
      /SANDBOXD_ALLOWED_HOSTS/,
    ],
    [
      "an allowed origin under another host",
      { origin: "https://agent.example", host: "evil.example", ...json },
      403,
      /SANDBOXD_ALLOWED_HOSTS/,
    ],
    ["text", { "content-type": "text/plain" }, 415, /"text\/plain".*application\/json/],
    ["text that mentions JSON", { "content-type": "text/plain; application/json" }, 415, /application\/json/],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, 415, /application\/json/],
    ["a form with files", { "content-type": "multipart/form-data; boundary=x" }, 415, /application\/json/],
    ["a browser's body without a type", { "sec-fetch-site": "same-origin" }, 415, /""/],
    ["an allowed page's body without a type", { origin: "https://agent.example" }, 415, /""/],
  ];
  for (const [what, headers, status, message] of attacks) {
    it(`runs nothing for ${what}: ${String(status)}`, async () => {
      const reply = await attempt(headers);
      assert.deepEqual([reply.status, reply.ran], [status, false]);
      assert.match(reply.message, message);
      assert.equal(reply.headers["content-type"], "application/json");
      if (status === 403) assert.equal(reply.headers["access-control-allow-origin"], undefined);
    });
  }

  it("shows pages nothing either: no description, no file, no preflight", async () => {
    for (const headers of [
      { origin: "https://evil.example" },
      { host: "evil.example" },
      { "sec-fetch-site": "cross-site" },
    ] as Record<string, string>[]) {
      for (const [method, path] of [
        ["GET", "/v1/sandbox"],
        ["GET", "/v1/file/download?path=/etc/passwd"],
        ["OPTIONS", "/v1/bash/exec"],
        ["DELETE", "/v1/shell/sessions"],
        ["GET", "/v1/nope"],
      ] as const) {
        const asked = { ...headers, "access-control-request-method": "POST" };
        const reply = await send(server, method, path, asked);
        assert.equal(reply.status, 403, `${method} ${path} ${JSON.stringify(headers)}`);
        assert.equal(reply.headers["access-control-allow-origin"], undefined);
      }
    }
  });

  const legitimate: [string, Record<string, string>][] = [
    ["JSON clients", json],
    ["a charset", { "content-type": "application/json; charset=utf-8" }],
    ["any case", { "content-type": "Application/JSON;charset=UTF-8" }],
    ["kubectl create --raw, which names no type", {}],
    ["the address of a pod", { host: "10.42.0.17:8080", ...json }],
    ["an IPv6 address", { host: "[fd00::7]:8080", ...json }],
    ["localhost", { host: "localhost:8080", ...json }],
    ["a Service in its own namespace", { host: "sandbox:8080", ...json }],
    ["a Service with its namespace", { host: "sandbox.sandlot.svc:8080", ...json }],
    ["a Service's full name", { host: "sandbox.sandlot.svc.cluster.local:8080", ...json }],
    ["Docker's name for the machine", { host: "host.docker.internal:8080", ...json }],
    ["an allowed host", { host: "sandbox.example.com", ...json }],
    ["an allowed cluster domain", { host: "sandbox.sandlot.svc.corp.example:8080", ...json }],
    [
      "an allowed page",
      { origin: "https://agent.example", "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", ...json },
    ],
    ["fetch of Node.js", { "sec-fetch-mode": "cors", ...json }],
  ];
  for (const [what, headers] of legitimate) {
    it(`serves ${what}`, async () => {
      const reply = await attempt(headers);
      assert.deepEqual([reply.status, reply.ran], [200, true], reply.message);
      const { host } = headers;
      const probe = await send(server, "GET", "/v1/sandbox", host === undefined ? {} : { host });
      assert.equal(probe.status, 200);
    });
  }

  it("serves whoever types the address into a browser", async () => {
    const reply = await send(server, "GET", "/v1/sandbox", { "sec-fetch-site": "none" });
    assert.equal(reply.status, 200);
  });

  it("says to the browser of an allowed page that it may send JSON and read answers", async () => {
    const origin = "http://localhost:3000";
    const preflight = await send(server, "OPTIONS", "/v1/bash/exec", {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers["access-control-allow-origin"], origin);
    assert.equal(
      preflight.headers["access-control-allow-headers"],
      "authorization, content-type, x-sandbox-token",
    );
    const reply = await attempt({ origin, ...json });
    assert.deepEqual([reply.status, reply.headers["access-control-allow-origin"]], [200, origin]);
    assert.equal(reply.headers["vary"], "Origin");
  });

  it("allows no page and no other host unless told to", async () => {
    const plain = await startServer();
    try {
      for (const [name, value] of [
        ["origin", "https://agent.example"],
        ["host", "sandbox.example.com"],
      ] as const) {
        const headers = { [name]: value };
        assert.equal((await send(plain, "GET", "/v1/sandbox", headers)).status, 403);
      }
    } finally {
      await plain.stop();
    }
  });
});
