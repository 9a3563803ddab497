// Sandboxes with hosts of their own, as a whole provisioner serves them: what it tells, and that logins work there and only there.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { apiKey, house, type House, type Replica } from "../house.js";

const suffix = "sandboxes.example.com";

describe("hosts of sandboxes", () => {
  let home: House;
  let server: Server;
  let port: number;
  beforeEach(async () => {
    home = await house();
    // A user's application: it sets a cookie for as many hosts as it can, and tells which ones it got.
    server = createServer(({ headers }, response) => {
      response.setHeader("set-cookie", `session=1; Domain=${suffix}; HttpOnly`);
      response.end(headers.cookie ?? "none");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    server.close();
    await home.end();
  });

  /** Starts a provisioner that listens, with a sandbox. */
  async function start(more: Record<string, string>): Promise<{ replica: Replica; at: number; made: Made }> {
    const replica = await home.start({ ROUTER_URL: "https://api.example.com:8443/x", ...more });
    const { app } = replica.provisioner;
    await app.listen({ port: 0, host: "127.0.0.1" });
    const made = (await replica.call("POST", "/v1/sandboxes", { id: "one" })).json<Made>();
    return { replica, at: (app.server.address() as AddressInfo).port, made };
  }
  interface Made {
    hostUrl?: string;
    token: string;
  }
  async function ask(at: number, host: string, path: string, headers: Record<string, string>) {
    const sent = request({ host: "127.0.0.1", port: at, path, headers: { host, ...headers }, agent: false });
    const [answer] = (await once(sent.end(), "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of answer) body += String(chunk);
    return { status: answer.statusCode, cookies: answer.headers["set-cookie"], body };
  }

  it("are told and lead there, with cookies, which paths have none of", async () => {
    const { at, made } = await start({ ROUTER_HOST_SUFFIX: suffix });
    assert.equal(made.hostUrl, `https://{port}-one.${suffix}:8443`);
    const { host } = new URL(made.hostUrl.replace("{port}", String(port)));
    const shown = { "x-sandbox-token": made.token, cookie: "session=1" };
    const own = { status: 200, cookies: ["session=1; HttpOnly"], body: "session=1" };
    assert.deepEqual(await ask(at, host, "/", shown), own);
    assert.deepEqual(await ask(at, host, "/", { "x-api-key": apiKey, cookie: "session=1" }), own);
    assert.deepEqual(await ask(at, "api.example.com", `/sandboxes/one/ports/${port}/`, shown), {
      status: 200,
      cookies: undefined,
      body: "none",
    });
    assert.equal((await ask(at, host, "/", { cookie: "session=1" })).status, 401);
    assert.equal((await ask(at, host.replace("one", "two"), "/", shown)).status, 404);
    // Nothing of the service itself is at a sandbox's host.
    assert.equal((await ask(at, host, "/v1/sandboxes", { "x-api-key": apiKey })).body, "none");
    assert.equal((await ask(at, `api.${suffix}`, "/v1/sandboxes", { "x-api-key": apiKey })).status, 404);
  });

  it("are not there without a domain for them", async () => {
    const { at, made } = await start({});
    assert.equal(made.hostUrl, undefined);
    const answer = await ask(at, `${port}-one.${suffix}`, "/", { "x-sandbox-token": made.token });
    assert.equal(answer.status, 404);
  });
});
