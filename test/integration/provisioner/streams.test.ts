// What takes long, through the deployed router: answers that come bit by bit, WebSockets, and the events of a sandbox's life.
import assert from "node:assert/strict";
import { once } from "node:events";

import type { WebSocket } from "undici";

import { Deployed, type Sandbox } from "./deployed.js";
import { echoes, openSocket, pauseMs, port, startStreaming } from "./streaming-application.js";

describe("what flows through the deployed provisioner", function () {
  this.timeout(120_000);
  let provisioner: Deployed;
  let made: Sandbox;

  /** By the token in the path: clients in browsers can send no header. */
  const connect = ({ url }: Sandbox, token: string): WebSocket => openSocket(`${url}/t/${token}`);

  before(async () => {
    provisioner = await Deployed.find();
    made = await provisioner.create({ id: "streams" });
    await startStreaming(made);
  });

  after(() => provisioner.delete({ id: "streams" }));

  it("passes an answer on as it comes", async () => {
    const response = await fetch(`${made.url}/t/${made.token}/ports/${port}/`);
    assert.ok(response.body);
    const parts: { text: string; at: number }[] = [];
    for await (const part of response.body)
      parts.push({ text: Buffer.from(part as Uint8Array).toString(), at: performance.now() });
    assert.deepEqual(parts.map(({ text }) => text).join(""), "one\ntwo\nend\n");
    const [first, last] = [parts[0], parts.at(-1)];
    // A third of the pauses: the machine may be busy, but what is kept back until the end comes at once.
    assert.ok((last?.at ?? 0) - (first?.at ?? 0) > (2 * pauseMs) / 3, JSON.stringify(parts));
  });

  it("carries a WebSocket, and none without the sandbox's token", async () => {
    const socket = connect(made, made.token);
    try {
      await once(socket, "open");
      for (const text of ["first", "second"]) await echoes(socket, text);
    } finally {
      socket.close();
    }
    const stranger = connect(
      made,
      made.token.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
    );
    const opened = once(stranger, "open").then(() => "opened");
    opened.catch(() => undefined);
    assert.equal(await Promise.race([opened, once(stranger, "close").then(() => "closed")]), "closed");
  });

  it("ends a sandbox's WebSockets with it, and tells by server-sent events what becomes of it", async () => {
    const short = await provisioner.create({ id: "streams-short" });
    const events = await provisioner.follow(`/v1/sandboxes/${short.id}/events`);
    try {
      await events.until(/event: state\ndata: \{[^\n]*"state":"running"/);
      await startStreaming(short);
      const socket = connect(short, short.token);
      await once(socket, "open");
      const closed = once(socket, "close");
      assert.equal(await provisioner.delete(short), 204);
      await events.until(/event: gone\n/);
      await closed;
    } finally {
      await events.end();
      await provisioner.delete(short);
    }
  });
});
