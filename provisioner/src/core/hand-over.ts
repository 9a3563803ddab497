// Hands a claimed pod over: the sandbox's server learns, once, its token and the environment of its commands. Nothing of that
// is ever in the pod's definition, which others may read.
import { setTimeout as sleep } from "node:timers/promises";

import { Agent, type Dispatcher, request } from "undici";

import { propagated } from "../tracing/spans.js";
import type { Connections } from "./connections.js";

/** What is handed over. */
export interface HandOver {
  /** Says whether a second hand-over is the same one again. */
  readonly claimId: string;
  readonly token: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * `done`. `unsupported`: the server knows no hand-over. `taken`: it was handed over for something else. `refused`: it does not
 * take what is handed over. `silent`: it did not answer in time.
 */
export type HandOverResult =
  | { readonly outcome: "done" | "unsupported" | "taken" | "silent" }
  | { readonly outcome: "refused"; readonly message: string };

/** A pod that is asked. */
export interface AskedPod {
  readonly podUid: string;
  /** Asked before each attempt: a starting pod has no address yet. */
  readonly origin: () => string | undefined;
}

const attemptMs = 3_000;
/** No answer of a sandbox's server to us is nearly as long. Bytes. */
const longestAnswer = 64 * 1024;
const pauseMs = 20;
const longestPauseMs = 250;

/** Speaks to sandboxes' servers. */
export class HandOverClient {
  readonly #closing = new AbortController();
  readonly #connections: Connections;
  /** For questions to sandboxes that nobody may ever use again: nothing is kept of these. */
  readonly #agent = new Agent({ connect: { timeout: 1_000 }, keepAliveTimeout: 1, keepAliveMaxTimeout: 1 });

  /** @param connections those that claimed pods are handed over by, and that are open before */
  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** Tries until the server answers. */
  async handOver(
    { podUid, origin }: AskedPod,
    secret: string,
    what: HandOver,
    patience: AbortSignal,
  ): Promise<HandOverResult> {
    // Whoever starts after us finds what was not handed over.
    const signal = AbortSignal.any([patience, this.#closing.signal]);
    const body = JSON.stringify({
      claim_id: what.claimId,
      token: what.token,
      env: what.env,
      secrets: what.secrets,
    });
    let pause = pauseMs;
    for (;;) {
      const target = origin();
      if (signal.aborted) return { outcome: "silent" };
      // To look for an address costs nothing, and by the time that there is one, the server answers: no time is lost then.
      if (target !== undefined) {
        const agent = this.#connections.agent(podUid);
        const answer = await this.#send(agent, target, "POST", secret, body, signal);
        const result = answer && resultOf(answer);
        if (result !== undefined) return result;
        pause = Math.min(longestPauseMs, pause * 1.3);
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether the server says that it was handed over; undefined if it does not say. */
  async isHandedOver(
    origin: string,
    secret: string,
    patience = AbortSignal.timeout(attemptMs),
  ): Promise<boolean | undefined> {
    return claimed(await this.#send(this.#agent, origin, "GET", secret, undefined, patience));
  }

  /**
   * For how long nobody has used the sandbox, as its server says: seconds. Undefined if it says nothing of that, as servers that are
   * not Sandlot's; `silent` if there is no answer.
   * @param token the sandbox's own, where it asks for that
   */
  async idleSeconds(
    origin: string,
    token: string | undefined,
    patience: AbortSignal,
  ): Promise<number | "silent" | undefined> {
    const answer = await this.#send(this.#agent, origin, "GET", token, undefined, patience, "/v1/activity");
    return answer === undefined ? "silent" : idle(answer);
  }

  /** Opens the connection that the pod is handed over by, and lets its server answer a first request; whether it did. */
  async warm(podUid: string, origin: string, secret: string): Promise<boolean> {
    const agent = this.#connections.agent(podUid);
    const patience = AbortSignal.timeout(attemptMs);
    return (await this.#send(agent, origin, "GET", secret, undefined, patience)) !== undefined;
  }

  /** Ends what is under way too. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent.destroy();
  }

  async #send(
    dispatcher: Dispatcher,
    origin: string,
    method: "GET" | "POST",
    secret: string | undefined,
    body: string | undefined,
    signal: AbortSignal,
    path = "/v1/claim",
  ): Promise<Answer | undefined> {
    try {
      const response = await request(`${origin}${path}`, {
        method,
        dispatcher,
        headersTimeout: attemptMs,
        bodyTimeout: attemptMs,
        headers: propagated({
          ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        }),
        body: body ?? null,
        signal,
      });
      return { status: response.statusCode, body: parsed(await textOf(response.body)) };
    } catch {
      // Not up yet, or cut off: the caller tries again as long as it may.
      return undefined;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Nothing for answers that another attempt may change. */
function resultOf({ status, body }: Answer): HandOverResult | undefined {
  if (status === 200) return { outcome: "done" };
  if (status === 404 || status === 405) return { outcome: "unsupported" };
  if (status === 401 || status === 409) return { outcome: "taken" };
  if (status >= 400 && status < 500)
    return {
      outcome: "refused",
      message: body === undefined ? `status ${status}` : JSON.stringify(body).slice(0, 500),
    };
  return undefined;
}

/** Whether a server says that it was handed over. */
function claimed(answer: Answer | undefined): boolean | undefined {
  if (answer?.status !== 200) return undefined;
  const said = (answer.body as { data?: { claimed?: unknown } } | undefined)?.data?.claimed;
  return typeof said === "boolean" ? said : undefined;
}

/** For how long a server says that nobody has used it. */
function idle(answer: Answer): number | undefined {
  if (answer.status !== 200) return undefined;
  const said = (answer.body as { data?: { idle_seconds?: unknown } } | undefined)?.data?.idle_seconds;
  return typeof said === "number" && said >= 0 ? said : undefined;
}

/** @throws Error if it is longer than it may be: code in the sandbox may be who answers. */
async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > longestAnswer) throw new Error(`the answer is longer than ${longestAnswer} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
