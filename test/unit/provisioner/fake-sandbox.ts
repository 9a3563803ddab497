// A sandbox's server as far as a hand-over goes; every pod of the fake cluster is this one.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class FakeSandbox {
  /** The headers of every request, by its method and path. */
  readonly requests: { what: string; headers: IncomingHttpHeaders }[] = [];
  readonly claims: { secret: string; body: Record<string, unknown> }[] = [];
  /** What a hand-over is answered with. */
  status = 200;
  /** What it says instead of JSON, as a program does that has taken the server's place. */
  text: string | undefined;
  /** Whether it says that it was handed over. */
  claimed = true;
  /** What it says for how long nobody has used it. Seconds; undefined: nothing. */
  idleSeconds: number | undefined;
  /** Waited for before it answers a request, which is named by method and path. */
  before: ((what: string) => Promise<void>) | undefined;
  /** How many connections were made to it. */
  connections = 0;
  readonly #server: Server;

  /** @param name what it says that it is called */
  constructor(public name = "sandbox") {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        this.requests.push({ what: `${method} ${url}`, headers });
        const secret = headers.authorization ?? "";
        if (method === "POST" && url === "/v1/claim")
          this.claims.push({
            secret,
            body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>,
          });
        const answer = (): void => {
          response.writeHead(this.status, { "content-type": "application/json" });
          const data = { claimed: this.claimed, name: this.name, idle_seconds: this.idleSeconds };
          response.end(this.text ?? JSON.stringify({ success: true, data }));
        };
        if (this.before === undefined) answer();
        else void this.before(`${method} ${url}`).then(answer);
      });
    });
    this.#server.on("connection", () => (this.connections += 1));
  }

  /** How many of them are open. */
  open(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  async start(port = 0, host = "127.0.0.1"): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
