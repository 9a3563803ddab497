// The provisioner as `make up` deployed it: how tests ask it, and how they look at it.
import assert from "node:assert/strict";
import { request, type IncomingHttpHeaders } from "node:http";

import type { V1Pod } from "@kubernetes/client-node";

import { cluster, eventually, isReady, mustMake, namespace, outputs } from "../support/cluster.js";

/** Where it lives. */
export const systemNamespace = "sandlot-system";

const selector = "app.kubernetes.io/name=sandlot,app.kubernetes.io/component=provisioner";

/** An answer of the provisioner's. */
export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: IncomingHttpHeaders;
}

/** A sandbox, as far as tests look at what they are told of it. */
export interface Sandbox {
  readonly id: string;
  readonly url: string;
  readonly hostUrl?: string;
  readonly token: string;
}

/** How a command in a sandbox ended. */
export interface Ended {
  readonly stdout: string;
  readonly exit_code: number | null;
}

/** Events as they come. */
export interface Followed {
  /** What matches of all that came, once something does. @throws Error if nothing does within 20 s */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Fulfilled once no more come, whoever ended that. */
  readonly ended: Promise<void>;
  end(): Promise<void>;
}

/** Speaks to the deployed provisioner as a client on this machine does. */
export class Deployed {
  private constructor(
    readonly url: string,
    readonly apiKey: string,
  ) {}

  static async find(): Promise<Deployed> {
    const { output } = await mustMake("api-key");
    return new Deployed(outputs()["provisionerEndpoint"] ?? "", output.trim().split("\n").at(-1) ?? "");
  }

  /** The same, called with another key. */
  as(apiKey: string): Deployed {
    return new Deployed(this.url, apiKey);
  }

  /** A request on a connection of its own, so that any replica may answer it. */
  call<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
    return ask<T>(method, this.url + path, { "x-api-key": this.apiKey }, body);
  }

  /** A sandbox of /v1 that is new. */
  async create(given: object = {}): Promise<Sandbox> {
    const { status, body } = await this.call<Sandbox>("POST", "/v1/sandboxes", given);
    assert.equal(status, 201, JSON.stringify(body));
    return body;
  }

  /** Deletes it; the status that was answered: 204, or 404 if there was none. */
  async delete({ id }: Pick<Sandbox, "id">): Promise<number> {
    return (await this.call("DELETE", `/v1/sandboxes/${id}`)).status;
  }

  /** Follows server-sent events, from now on. It has to be ended. @throws Error if they are refused. */
  async follow(path: string): Promise<Followed> {
    const abort = new AbortController();
    const headers = { "x-api-key": this.apiKey };
    const { status, body } = await fetch(this.url + path, { headers, signal: abort.signal });
    if (status !== 200 || body === null) throw new Error(`${path} is answered ${status}`);
    let text = "";
    const reading = (async () => {
      for await (const chunk of body) text += Buffer.from(chunk as Uint8Array).toString();
    })().catch(() => undefined);
    return {
      until: (pattern) =>
        eventually(`an event ${pattern.source}`, () => Promise.resolve(pattern.exec(text) ?? false), 20),
      ended: reading,
      end: async () => {
        abort.abort();
        await reading;
      },
    };
  }

  /** Its pods that are not on their way out. */
  async pods(): Promise<V1Pod[]> {
    const { items } = await cluster().core.listNamespacedPod({
      namespace: systemNamespace,
      labelSelector: selector,
    });
    return items.filter((pod) => pod.metadata?.deletionTimestamp === undefined && isReady(pod));
  }
}

/** Runs a command in a sandbox, by its URL and its token. */
export async function run({ url, token }: Sandbox, command: string): Promise<Ended> {
  const { status, body } = await ask<{ data: Ended }>(
    "POST",
    `${url}/v1/bash/exec`,
    { "x-sandbox-token": token },
    { command, hard_timeout: 20 },
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body.data;
}

/** Adds an environment that differs from the default one, as anybody may who may write ConfigMaps; returns what removes it. */
export async function addEnvironment(name: string, differs: object): Promise<() => Promise<unknown>> {
  const { core } = cluster();
  const { data } = await core.readNamespacedConfigMap({ name: "sandbox-environment-default", namespace });
  const record = JSON.parse(data?.["environment.json"] ?? "{}") as Record<string, unknown>;
  const metadata = {
    name: `sandbox-environment-${name}`,
    labels: { "sandlot.dev/environment": name },
  };
  const content = JSON.stringify({ ...record, name, ...differs });
  await core.createNamespacedConfigMap({
    namespace,
    body: { metadata, data: { "environment.json": content } },
  });
  return () => core.deleteNamespacedConfigMap({ name: metadata.name, namespace });
}

/** A request on a connection of its own. @throws when there is no answer within `patienceMs`. */
export function ask<T>(
  method: string,
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: object,
  patienceMs = 30_000,
): Promise<Answer<T>> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const type = text === undefined ? {} : { "content-type": "application/json" };
    const sent = request(url, { method, agent: false, headers: { ...headers, ...type } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const received = Buffer.concat(chunks).toString();
        const isJson = (response.headers["content-type"] ?? "").includes("json");
        const parsed = (isJson ? JSON.parse(received) : received) as T;
        resolve({ status: response.statusCode ?? 0, body: parsed, headers: response.headers });
      });
    });
    sent.on("error", reject);
    sent.setTimeout(patienceMs, () =>
      sent.destroy(new Error(`no answer from ${url} within ${patienceMs / 1000} s`)),
    );
    sent.end(text);
  });
}
