// GET over HTTP as a command needs it: through the proxies that the environment names, and never waiting for long.
import { EnvHttpProxyAgent, fetch, type Response } from "undici";

/** How long to wait, in milliseconds. */
export interface HttpLimits {
  /** Until a server has taken the connection. */
  connectMs: number;
  /** Without a single byte: of an answer, or of its body. */
  stallMs: number;
}

/**
 * Asks for `url` and gives the answer to `use`, which must read it: afterwards the connection is gone. `https_proxy`,
 * `http_proxy` and `no_proxy` hold.
 */
export async function httpGet<T>(
  url: string,
  limits: HttpLimits,
  use: (response: Response) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const agent = new EnvHttpProxyAgent({
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.stallMs,
    bodyTimeout: limits.stallMs,
  });
  try {
    return await use(await fetch(url, { dispatcher: agent, signal: signal ?? null }));
  } finally {
    await agent.destroy();
  }
}

/** What went wrong in a request: the innermost error's message, as fetch wraps what happened in others. */
export function httpFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : httpFailure(error.cause);
}
