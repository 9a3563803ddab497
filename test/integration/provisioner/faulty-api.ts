// A way to the real API server that can be made to fail: provisioners are given its address as their API server. It sees each
// request, so it can stop at the n-th write, before or after the server has carried it out, answer in the server's stead, or be
// as good as gone.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request as httpsRequest, type RequestOptions, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { KubeConfig } from "@kubernetes/client-node";

import { selfSigned } from "../support/certificate.js";
import { kubeconfigPath } from "./stage.js";

/** A request on its way. */
export interface PassingRequest {
  readonly method: string;
  /** `pods`, `services`, … */
  readonly resource: string;
  readonly watch: boolean;
  readonly write: boolean;
}

/**
 * What becomes of a request: `pass`; `cut` before the server sees it; `lose` its answer after the server has carried it out;
 * `break` the answer off after its headers and a first piece; or a status in the server's stead.
 */
export type Fate = "pass" | "cut" | "lose" | "break" | number;

export class FaultyApi {
  /** Asked for each request. */
  fate: (request: PassingRequest) => Fate | Promise<Fate> = () => "pass";
  /** Told when the server has carried out a request whose answer is lost, before the connection is cut. */
  onLost: (request: PassingRequest) => Promise<void> | void = () => undefined;
  /** How far the server's clock is ahead in what it answers. Milliseconds. */
  aheadMs = 0;
  readonly #server: Server;
  readonly #watches = new Set<ServerResponse>();
  readonly #folder = mkdtempSync(join(tmpdir(), "sandlot-api-"));
  readonly #origin: URL;
  #options: RequestOptions = {};

  constructor() {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigPath);
    this.#origin = new URL(config.getCurrentCluster()?.server ?? "");
    this.#server = createServer((incoming, response) => {
      this.#serve(incoming, response).catch(() => response.destroy());
    });
  }

  /** A certificate of its own: kubeconfigs lead to nothing without one. */
  async #certify(): Promise<string> {
    const { key, cert } = await selfSigned("IP:127.0.0.1");
    this.#server.setSecureContext({ key, cert });
    return Buffer.from(cert).toString("base64");
  }

  /** The kubeconfig that leads here. */
  get kubeconfig(): string {
    return join(this.#folder, "kubeconfig");
  }

  async start(): Promise<void> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigPath);
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key } = options;
    this.#options = { agent: new Agent({ keepAlive: true, ca, cert, key }) };
    const authority = await this.#certify();
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const { port } = this.#server.address() as AddressInfo;
    const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority-data": authority };
    const named = [{ name: "faulty", cluster }];
    const context = { name: "faulty", context: { cluster: "faulty", user: "faulty" } };
    const text = JSON.stringify({
      ...{
        apiVersion: "v1",
        kind: "Config",
        clusters: named,
        contexts: [context],
        "current-context": "faulty",
      },
      users: [{ name: "faulty", user: {} }],
    });
    writeFileSync(this.kubeconfig, text);
  }

  /** Ends every watch, as a load balancer on the way may. */
  cutWatches(): void {
    for (const watch of this.#watches) watch.destroy();
  }

  /** Nothing gets through any more, until `fate` is changed again; what is open is cut. */
  goDark(): void {
    this.fate = () => "cut";
    this.cutWatches();
    this.#server.closeAllConnections();
  }

  heal(): void {
    this.fate = () => "pass";
    this.aheadMs = 0;
    this.onLost = () => undefined;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    rmSync(this.#folder, { recursive: true });
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "GET", url = "/", headers } = incoming;
    const [, resource = ""] = /\/namespaces\/[^/]+\/([^/?]+)/.exec(url) ?? [];
    const request: PassingRequest = {
      ...{ method, resource, watch: url.includes("watch=true") },
      // The Lease is renewed all the time: it is no write that a scenario counts.
      write: method !== "GET" && resource !== "leases",
    };
    const fate = await this.fate(request);
    if (fate === "cut") {
      response.destroy();
      return;
    }
    if (typeof fate === "number") {
      const status = {
        kind: "Status",
        status: "Failure",
        code: fate,
        message: "made to fail",
        reason: "Fault",
      };
      response.writeHead(fate, { "content-type": "application/json" }).end(JSON.stringify(status));
      return;
    }
    const outgoing = httpsRequest(new URL(url, this.#origin), {
      ...this.#options,
      method,
      headers: { ...headers, host: this.#origin.host, connection: "keep-alive" },
    });
    outgoing.end(Buffer.concat(chunks));
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    if (fate === "lose") {
      answer.resume();
      await this.onLost(request);
      response.destroy();
      return;
    }
    const date = new Date(Date.now() + this.aheadMs).toUTCString();
    response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
    // A watch has to be seen as open before anything has changed.
    response.flushHeaders();
    if (request.watch) this.#watches.add(response);
    response.once("close", () => {
      this.#watches.delete(response);
      outgoing.destroy();
    });
    answer.on("error", () => response.destroy());
    if (fate === "break") {
      const [piece] = (await once(answer, "data")) as [Buffer];
      // Half of it: the whole answer may have come in one.
      response.write(piece.subarray(0, piece.length / 2), () => response.destroy());
      return;
    }
    answer.pipe(response);
  }
}
