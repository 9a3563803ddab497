// A server in a sandbox whose answers take long: what the router passes on is tried with it.
import assert from "node:assert/strict";
import { once } from "node:events";

import { WebSocket, type MessageEvent } from "undici";

import { eventually } from "../support/cluster.js";
import { ask, run, type Sandbox } from "./deployed.js";

/** Where it listens. */
export const port = 3000;
/** Between two parts of the answer that comes bit by bit. Milliseconds. */
export const pauseMs = 500;

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

/** Starts it in a sandbox, and waits until it answers through the router. */
export async function startStreaming(sandbox: Sandbox): Promise<void> {
  await run(sandbox, `setsid python3 -c '${application}' >/dev/null 2>&1 &`);
  const { url, token } = sandbox;
  await eventually(
    "the application answers",
    async () => (await ask("GET", `${url}/ports/${port}/`, { "x-sandbox-token": token })).status === 200,
  );
}

/** A WebSocket to it. `url` is the sandbox's. */
export function openSocket(url: string, headers: Record<string, string> = {}): WebSocket {
  return new WebSocket(`${url.replace("http", "ws")}/ports/${port}/ws`, { headers });
}

/** That it says what it hears. */
export async function echoes(socket: WebSocket, text: string): Promise<void> {
  const heard = once(socket, "message") as Promise<[MessageEvent]>;
  socket.send(text);
  assert.equal((await heard)[0].data, text);
}
