// The egress proxy with its own watch of the pods, on a fake cluster and real sockets: who is served is who is at the address, and
// every way around the rules that code in a sandbox has is closed.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { mock } from "node:test";

import { readEgressSettings } from "../../../../provisioner/src/config/settings.js";
import { startEgress, type EgressService } from "../../../../provisioner/src/egress/service.js";
import { buildLog } from "../../../../provisioner/src/log.js";
import { FakeCluster } from "../fake-cluster.js";
import { eventually } from "../house.js";
import { ownAddress as own } from "../own-address.js";

const ownText = String(own);

describe("egress: service", function () {
  this.timeout(60_000);
  let cluster: FakeCluster;
  let service: EgressService;
  let outside: Server;
  let port: number;
  let proxyPort: number;
  let answers: Record<string, string[]>;
  let asked: string[];
  let next = 10;

  before(async function () {
    if (own === undefined) this.skip();
    outside = createServer((request, response) => {
      if (request.url === "/away")
        response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end();
      else response.end("outside");
    });
    outside.listen(0, own);
    await once(outside, "listening");
    port = (outside.address() as AddressInfo).port;
  });
  beforeEach(async () => {
    cluster = new FakeCluster();
    cluster.startMs = undefined;
    const connection = await cluster.start();
    const settings = readEgressSettings({
      K8S_NAMESPACE: "test",
      LOG_LEVEL: "fatal",
      DENIED_CIDRS: "10.255.0.0/16, fd00::/8",
      DRAIN_SECONDS: "0",
    });
    answers = { "ok.example": [ownText] };
    asked = [];
    service = await startEgress(settings, buildLog(settings.LOG_LEVEL), {
      connection,
      resolve: (name) => {
        asked.push(name);
        return Promise.resolve(answers[name] ?? []);
      },
    });
    service.proxy.server.listen(0, "0.0.0.0");
    await once(service.proxy.server, "listening");
    proxyPort = (service.proxy.server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    await service.stop();
    await cluster.stop();
  });
  after(() => {
    outside.closeAllConnections();
    outside.close();
  });

  /** Puts a pod with an address of its own there, and waits until the proxy may have seen it. */
  async function pod(
    name: string,
    {
      address = `127.0.0.${(next += 1)}`,
      state = "claimed",
      egress = "allowlist",
      allow = [`${ownText}:*`, "*.example:*"],
      deny = [],
    }: { address?: string; state?: string; egress?: string; allow?: string[]; deny?: string[] } = {},
  ): Promise<string> {
    cluster.put("pods", {
      metadata: {
        name,
        labels: {
          "app.kubernetes.io/managed-by": "sandlot-provisioner",
          "sandlot.dev/state": state,
          "sandlot.dev/egress": egress,
          ...(state === "claimed"
            ? { "sandlot.dev/sandbox-id": `id-${name}`, "sandlot.dev/tenant": "default" }
            : {}),
        },
        annotations: { "sandlot.dev/egress-rules": JSON.stringify({ allow, deny }) },
      },
      spec: { containers: [] },
      status: { phase: "Running", podIP: address, podIPs: [{ ip: address }] },
    } as never);
    await settle();
    return address;
  }
  const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

  async function tunnel(
    from: string,
    authority = `${ownText}:${port}`,
  ): Promise<{ status: number; socket: Socket }> {
    const socket = connect({ port: proxyPort, host: "127.0.0.1", localAddress: from });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    const [chunk] = (await once(socket, "data")) as [Buffer];
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString())?.[1]);
    if (status !== 200) socket.destroy();
    return { status, socket };
  }
  const statusOf = async (from: string, authority?: string): Promise<number> => {
    const { status, socket } = await tunnel(from, authority);
    socket.destroy();
    return status;
  };

  async function plain(from: string, url: string): Promise<{ status: number; location: string | undefined }> {
    const outgoing = httpRequest({
      ...{ host: "127.0.0.1", port: proxyPort, path: url, agent: false, localAddress: from },
      headers: { host: "ok.example" },
    });
    outgoing.end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    incoming.resume();
    return { status: incoming.statusCode ?? 0, location: incoming.headers.location };
  }

  describe("serves whoever is at the address, if that is certain", () => {
    it("a claimed sandbox of profile allowlist, by its own rules", async () => {
      const one = await pod("one");
      const two = await pod("two", { allow: ["other.example:*"] });
      assert.equal(await statusOf(one), 200);
      assert.equal(await statusOf(two), 403);
    });

    it("a sandbox that asks a moment before its pod is seen", async () => {
      for (let tries = 0, status = 0; status !== 200; tries += 1) {
        assert.ok(tries < 20, "one of so many is seen in time, however slow the machine is");
        const address = `127.0.1.${tries + 1}`;
        const asked = once(service.proxy.server, "connect");
        const answered = statusOf(address);
        await asked;
        await pod(`early-${tries}`, { address });
        status = await answered;
      }
    });

    it("no address that it does not know, no idle pod, no other profile", async () => {
      assert.equal(await statusOf("127.0.0.200"), 403);
      assert.equal(await statusOf(await pod("idle", { state: "idle", egress: "blocked" })), 403);
      assert.equal(await statusOf(await pod("idle-open", { state: "idle" })), 403);
      assert.equal(await statusOf(await pod("blocked", { egress: "blocked" })), 403);
      assert.equal(await statusOf(await pod("open", { egress: "open" })), 403);
    });

    it("no sandbox that is ending, and cuts what it has open", async () => {
      const address = await pod("ending");
      const { status, socket } = await tunnel(address);
      assert.equal(status, 200);
      const closed = once(socket, "close");
      cluster.update("ending", ({ metadata }) => {
        metadata.deletionTimestamp = new Date().toISOString() as never;
      });
      await closed;
      assert.equal(await statusOf(address), 403);
    });

    it("no sandbox whose address another pod has too; the one that is left is served again", async () => {
      const address = await pod("first");
      await pod("second", { address, allow: ["*:*"] });
      assert.equal(await statusOf(address), 403);
      cluster.lose("second");
      await settle();
      assert.equal(await statusOf(address), 200);
    });

    it("the next sandbox at a used address, by its own rules and not by those of the one before", async () => {
      const address = await pod("old");
      assert.equal(await statusOf(address), 200);
      cluster.update("old", ({ status }) => {
        Object.assign(status ?? {}, { phase: "Failed" });
      });
      await settle();
      assert.equal(await statusOf(address), 403);
      await pod("new", { address, allow: ["other.example"] });
      assert.equal(await statusOf(address), 403);
      assert.equal(await statusOf(address, "other.example:443"), 502);
    });

    it("nobody with rules that cannot be read, and everybody else as before", async () => {
      const address = await pod("torn");
      cluster.update("torn", ({ metadata }) => {
        Object.assign(metadata.annotations ?? {}, { "sandlot.dev/egress-rules": '{"allow":["*:*"]' });
      });
      await settle();
      assert.equal(await statusOf(address), 403);
    });
  });

  it("takes changed rules over at once, and cuts what they do not allow any more", async () => {
    const address = await pod("changing");
    const { socket } = await tunnel(address);
    const closed = once(socket, "close");
    cluster.update("changing", ({ metadata }) => {
      Object.assign(metadata.annotations ?? {}, {
        "sandlot.dev/egress-rules": JSON.stringify({ allow: ["*.example:*"], deny: [] }),
      });
    });
    await closed;
    assert.equal(await statusOf(address), 403);
    assert.equal((await plain(address, `http://ok.example:${port}/`)).status, 403);
  });

  describe("does not let code around the rules", () => {
    let address: string;
    beforeEach(async () => {
      address = await pod("attacker", { allow: ["ok.example:*", `${ownText}:${port}`] });
    });

    it("by a raw address, however it is written", async () => {
      for (const authority of ["93.184.215.14:443", "1572395042:443", "0x5db8d70e:443", "93.184.55054:443"])
        assert.notEqual(await statusOf(address, authority), 200, authority);
    });

    it("by IPv6, plain or with IPv4 in it", async () => {
      for (const authority of [
        "[2606:2800:220:1:248:1893:25c8:1946]:443",
        "[::1]:80",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::a9fe:a9fe]:80",
        "[fd00:ec2::254]:80",
      ])
        assert.equal(await statusOf(address, authority), 403, authority);
    });

    it("by a redirect: where it leads is asked for anew, and refused", async () => {
      const first = await plain(address, `http://ok.example:${port}/away`);
      assert.equal(first.status, 302);
      assert.equal((await plain(address, first.location ?? "")).status, 403);
    });

    it("by a name whose answer changes: what was judged is what is dialled", async () => {
      assert.equal(await statusOf(address, `ok.example:${port}`), 200);
      answers = { "ok.example": ["169.254.169.254"] };
      assert.equal(await statusOf(address, "ok.example:80"), 403);
      answers = { "ok.example": [ownText, "10.255.0.1"] };
      assert.equal(await statusOf(address, `ok.example:${port}`), 403);
      assert.equal(asked.length, 3, "each request asks once");
    });

    it("to another sandbox, by its address or by a name for it", async () => {
      await pod("victim", { address: "10.255.0.7" });
      assert.equal(await statusOf(address, "10.255.0.7:8080"), 403);
      answers = { "ok.example": ["10.255.0.7"] };
      assert.equal(await statusOf(address, "ok.example:8080"), 403);
      const greedy = await pod("greedy", { allow: ["10.255.0.7:*", "10.0.0.0/8:*", "*:*"] });
      assert.equal(await statusOf(greedy, "10.255.0.7:8080"), 403);
    });

    it("by saying that it is another", async () => {
      const other = await pod("other", { allow: [] });
      const socket = connect({ port: proxyPort, host: "127.0.0.1", localAddress: other });
      await once(socket, "connect");
      socket.write(
        `CONNECT ${ownText}:${port} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\nForwarded: for=${address}\r\n\r\n`,
      );
      const [chunk] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      assert.match(chunk.toString(), /^HTTP\/1\.1 403/);
    });
  });

  it("tells refusals in Events of the pod, a few of them however many there are", async () => {
    const address = await pod("noisy", { allow: [] });
    await statusOf(address, "0.example:443");
    for (let at = 0; at < 30; at += 1) await statusOf(address, `${at}.example:443`);
    await eventually("events are written", () => cluster.events().length >= 10, 5_000);
    await settle();
    const events = cluster.events() as unknown as {
      metadata: { annotations: Record<string, string> };
      involvedObject: { name: string };
      reason: string;
      message: string;
    }[];
    assert.equal(events.length, 10);
    for (const { reason, involvedObject } of events)
      assert.deepEqual([reason, involvedObject.name], ["EgressRefused", "noisy"]);
    const told = events.map(
      ({ metadata }) =>
        JSON.parse(metadata.annotations["sandlot.dev/egress-refusal"] ?? "") as Record<string, unknown>,
    );
    const first = told.filter(({ host }) => host === "0.example");
    assert.equal(
      first.reduce((sum, { count }) => sum + Number(count), 0),
      2,
    );
    assert.deepEqual(
      { ...first[0], count: 1 },
      { host: "0.example", port: 443, reason: "not_allowed", count: 1 },
    );
    assert.match(events[0]?.message ?? "", /^0\.example:443: not_allowed/);
  });

  it("answers for its health, and counts", async () => {
    assert.equal((await service.health.inject("/livez")).statusCode, 200);
    assert.equal((await service.health.inject("/readyz")).statusCode, 200);
    await statusOf("127.0.0.201");
    const { body } = await service.health.inject("/metrics");
    assert.match(body, /sandlot_egress_refused_total\{reason="unknown_caller"\} 1/);
  });

  it("serves on while its watch is cut for a moment", async () => {
    const address = await pod("steady");
    cluster.cutWatches();
    assert.equal(await statusOf(address), 200);
  });

  it("serves on for a minute after its watch was cut, also if it was cut before and nobody asked since", async () => {
    const address = await pod("quiet");
    const current = async (): Promise<boolean> =>
      (await service.health.inject("/metrics")).body.includes("sandlot_egress_current 1");
    const now = performance.now.bind(performance);
    let ahead = 0;
    const clock = mock.method(performance, "now", () => now() + ahead);
    try {
      const cut = (): void => {
        cluster.fault = ({ query }) => (query.get("watch") === "true" ? { status: 503 } : undefined);
        cluster.cutWatches();
      };
      cut();
      await eventually("the watch is cut", async () => !(await current()));
      cluster.fault = () => undefined;
      await eventually("the watch stands again", current, 10_000);
      ahead += 3_600_000;
      cut();
      await eventually("the watch is cut again", async () => !(await current()));
      assert.equal(await statusOf(address), 200);
      ahead += 60_000;
      assert.equal(await statusOf(address), 403);
    } finally {
      clock.mock.restore();
    }
  });
});
