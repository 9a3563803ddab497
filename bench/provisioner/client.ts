// A client of the provisioner, as an agent's backend is one: over connections that stay open.
import { setTimeout as sleep } from "node:timers/promises";

import { Agent, request } from "undici";

/** What a create is answered. */
export interface Described {
  readonly sandbox_id: string;
  /** With the sandbox's token in its path. */
  readonly sandbox_url: string;
}

/** When a create was answered, and when a command in the sandbox was: milliseconds since it was sent. */
export interface Claimed extends Described {
  readonly createdMs: number;
  readonly answeredMs: number;
}

const pauseMs = 10;
const limitMs = 60_000;

/** Speaks to one provisioner. */
export class Client {
  private readonly agent = new Agent({ connections: 64, keepAliveTimeout: 60_000 });

  constructor(
    private readonly url: string,
    private readonly apiKey: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws Error if the answer is no success. */
  async text(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<string> {
    const { status, text } = await this.send(method, this.url + path, body, { "x-api-key": this.apiKey });
    if (status < 300) return text;
    throw new Error(`${method} ${path} was answered ${status}: ${text.slice(0, 500)}`);
  }

  /** @throws Error if the answer is no success. */
  async json<T>(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<T> {
    return JSON.parse(await this.text(method, path, body)) as T;
  }

  /** Waits until it answers: the node opens a Service's port a moment after its pod is Ready. @throws Error if it never does. */
  async untilAnswers(): Promise<void> {
    const started = performance.now();
    for (;;) {
      try {
        await this.text("GET", "/livez");
        return;
      } catch (error) {
        if (performance.now() - started > limitMs) throw error;
        await sleep(pauseMs * 10, undefined, { signal: this.signal });
      }
    }
  }

  /** Opens connections, so that those who come together later do not wait for them. */
  async warm(connections: number): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.text("GET", "/livez")));
  }

  /** Creates a sandbox and runs a command in it. */
  async claim(id: string): Promise<Claimed> {
    const started = performance.now();
    const described = await this.json<Described>("POST", "/api/sandboxes", { sandbox_id: id });
    const createdMs = performance.now() - started;
    while (!(await this.runs(described.sandbox_url))) {
      if (performance.now() - started > limitMs) throw new Error(`no command is answered in ${id}`);
      await sleep(pauseMs, undefined, { signal: this.signal });
    }
    return { ...described, createdMs, answeredMs: performance.now() - started };
  }

  /** Whether the sandbox at this URL runs a command, sent as DeerFlow's gateway sends its commands. */
  async runs(url: string, headers: Record<string, string> = {}): Promise<boolean> {
    const { status, text } = await this.send("POST", `${url}/v1/shell/exec`, { command: "true" }, headers);
    return status === 200 && (JSON.parse(text) as { success?: boolean }).success !== false;
  }

  async delete(id: string): Promise<void> {
    await this.text("DELETE", `/api/sandboxes/${id}`);
  }

  /** How many Ready pods the pool has. */
  async ready(): Promise<number> {
    const { items } = await this.json<{ items: { pool: { ready: number } }[] }>("GET", "/v1/environments");
    return items[0]?.pool.ready ?? 0;
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  private async send(
    method: "GET" | "POST" | "DELETE",
    url: string,
    body: object | undefined,
    headers: Record<string, string>,
  ): Promise<{ status: number; text: string }> {
    const response = await request(url, {
      method,
      dispatcher: this.agent,
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(limitMs)]),
      headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.statusCode, text: await response.body.text() };
  }
}
