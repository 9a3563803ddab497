// What takes long, through the deployed router: answers that come bit by bit, WebSockets, and the events of a sandbox's life.
import assert from "node:assert/strict";
import { once } from "node:events";

import { WebSocket, type MessageEvent } from "undici";

import { eventually } from "../support/cluster.js";
import { ask, Deployed } from "./deployed.js";

interface Sandbox {
  id: string;
  url: string;
  token: string;
}

const port = 3000;
/** Between two parts of the answer that comes bit by bit. Milliseconds. */
const pauseMs = 500;

/** Answers /ws by a WebSocket (RFC 6455) that says what it hears, and all else by three lines with pauses between them. */
const application = `
import base64, hashlib, http.server, time
class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/ws":
            return self.repeat()
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for line in (b"one", b"two", b"end"):
            self.wfile.write(b"4\\r\\n" + line + b"\\n\\r\\n")
            time.sleep(${pauseMs / 1000})
        self.wfile.write(b"0\\r\\n\\r\\n")
    def repeat(self):
        key = self.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("connection", "upgrade")
        self.send_header("upgrade", "websocket")
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.send_header("sec-websocket-accept", accept)
        self.end_headers()
        while True:
            head = self.rfile.read(2)
            if len(head) < 2 or head[0] & 15 == 8:
                return
            mask = self.rfile.read(4)
            text = self.rfile.read(head[1] & 127)
            text = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
            self.wfile.write(bytes([0x81, len(text)]) + text)
http.server.ThreadingHTTPServer(("", ${port}), Application).serve_forever()
`;

describe("what flows through the deployed provisioner", function () {
  this.timeout(120_000);
  let provisioner: Deployed;
  let made: Sandbox;

  const create = async (id: string): Promise<Sandbox> => {
    const { status, body } = await provisioner.call<Sandbox>("POST", "/v1/sandboxes", { id });
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  };
  const destroy = (id: string) => provisioner.call("DELETE", `/v1/sandboxes/${id}`);
  const serve = async ({ url, token }: Sandbox): Promise<void> => {
    const headers = { "x-sandbox-token": token };
    const command = `setsid python3 -c '${application}' >/dev/null 2>&1 &`;
    await ask("POST", `${url}/v1/bash/exec`, headers, { command, hard_timeout: 20 });
    await eventually(
      "its application answers",
      async () => (await ask("GET", `${url}/ports/${port}/`, headers)).status === 200,
    );
  };
  /** A WebSocket to the application, by the token in the path: clients in browsers can send no header. */
  const connect = ({ url }: Sandbox, token: string): WebSocket =>
    new WebSocket(`${url.replace("http", "ws")}/t/${token}/ports/${port}/ws`);

  before(async () => {
    provisioner = await Deployed.find();
    made = await create("streams");
    await serve(made);
  });

  after(() => destroy("streams"));

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
      for (const text of ["first", "second"]) {
        const heard = once(socket, "message") as Promise<[MessageEvent]>;
        socket.send(text);
        assert.equal((await heard)[0].data, text);
      }
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
    const id = "streams-short";
    const short = await create(id);
    const events = await provisioner.follow(`/v1/sandboxes/${id}/events`);
    try {
      await events.until(/event: state\ndata: \{[^\n]*"state":"running"/);
      await serve(short);
      const socket = connect(short, short.token);
      await once(socket, "open");
      const closed = once(socket, "close");
      assert.equal((await destroy(id)).status, 204);
      await events.until(/event: gone\n/);
      await closed;
    } finally {
      await events.end();
      await destroy(id);
    }
  });
});
