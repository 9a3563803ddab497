// A collector on this machine: takes traces by OTLP over HTTP, keeps all bytes, and reads those that are JSON.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface OtlpValue {
  stringValue?: string;
  intValue?: number | string;
  boolValue?: boolean;
}

interface OtlpAttributes {
  attributes: { key: string; value: OtlpValue }[];
}

interface OtlpSpan extends OtlpAttributes {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  flags: number;
  status: { code: number; message?: string };
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

interface OtlpTraces {
  resourceSpans: { resource: OtlpAttributes; scopeSpans: { spans: OtlpSpan[] }[] }[];
}

/** OTLP's numbers of kinds and of the status "error". */
export const kinds = { internal: 1, server: 2, client: 3 } as const;
export const failed = 2;

/** A span as it arrived. */
export interface Received extends Omit<OtlpSpan, "attributes"> {
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>;
}

export class Collector {
  readonly posts: { path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
  /** What it answers; undefined: nothing, ever. */
  status: number | undefined = 200;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { url = "", headers } = request;
        this.posts.push({ path: url, headers, body: Buffer.concat(chunks) });
        if (this.status !== undefined)
          response.writeHead(this.status, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  /** Its address. */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** All that was sent, as it was: names and values are plain text in JSON and in protobuf. */
  get bytes(): string {
    return this.posts.map(({ body }) => body.toString("latin1")).join("\n");
  }

  get resource(): Received["attributes"] {
    const [first] = this.#traces().flatMap(({ resourceSpans }) => resourceSpans);
    return first === undefined ? {} : plain(first.resource);
  }

  spans(): Received[] {
    return this.#traces()
      .flatMap(({ resourceSpans }) => resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap(({ spans }) => spans)
      .map((span) => ({ ...span, attributes: plain(span) }));
  }

  /** The one span of that name. */
  span(name: string): Received {
    const [found, other] = this.spans().filter((span) => span.name === name);
    if (found === undefined || other !== undefined)
      throw new Error(`${found === undefined ? "no" : "more than one"} span ${name}: ${this.tree()}`);
    return found;
  }

  /** The names of all spans, each on a line behind its parent's and further in, in the order in which they began. */
  tree(): string {
    const spans = this.spans().sort((one, other) =>
      Number(BigInt(one.startTimeUnixNano) - BigInt(other.startTimeUnixNano)),
    );
    const known = new Set(spans.map(({ spanId }) => spanId));
    const below = (depth: number, parent?: string): string[] =>
      spans
        .filter(({ parentSpanId: id }) => (id !== undefined && known.has(id) ? id : undefined) === parent)
        .flatMap(({ spanId, name }) => ["  ".repeat(depth) + name, ...below(depth + 1, spanId)]);
    return below(0).join("\n");
  }

  #traces(): OtlpTraces[] {
    return this.posts.map(({ body }) => JSON.parse(body.toString()) as OtlpTraces);
  }
}

function plain({ attributes }: OtlpAttributes): Received["attributes"] {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.boolValue ?? Number(value.intValue)]),
  );
}
