// The API server over connections that stay open, as the provisioner speaks to it: the library's client makes a new one for each
// request, which would be most of what a reference takes.
import type { RequestOptions } from "node:https";

import type { KubeConfig } from "@kubernetes/client-node";
import { Pool } from "undici";

/** A request; `body` is sent as JSON. */
export interface ApiRequest {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: object;
  /** @default "application/json" */
  readonly contentType?: string;
}

/** One API server. */
export class ApiServer {
  private constructor(
    private readonly pool: Pool,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  static async connect(config: KubeConfig): Promise<ApiServer> {
    const server = new URL(config.getCurrentCluster()?.server ?? "");
    const options: RequestOptions = { headers: {} };
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key } = options;
    const pool = new Pool(server.origin, { connections: 32, connect: { ca, cert, key } });
    return new ApiServer(pool, (options.headers ?? {}) as Record<string, string>);
  }

  /** The answer as it came. @throws Error if it is no success. */
  async text({ method = "GET", path, body, contentType = "application/json" }: ApiRequest): Promise<string> {
    const response = await this.pool.request({
      method,
      path,
      headers: {
        ...this.headers,
        // The server's own figures are no JSON.
        accept: "application/json, text/plain",
        ...(body === undefined ? {} : { "content-type": contentType }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode < 300) return text;
    throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 500)}`);
  }

  /** The answer, parsed. @throws Error if it is no success. */
  async json<T>(request: ApiRequest): Promise<T> {
    return JSON.parse(await this.text(request)) as T;
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}
