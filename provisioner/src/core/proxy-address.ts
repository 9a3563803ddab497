// The address of the egress proxy. Sandboxes that use it have no DNS, which would be a way out, so they are told no name.
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Service } from "@kubernetes/client-node";

import { isNotFound, isTrouble, type KubernetesClient } from "../kubernetes/client.js";
import { atAddress, serviceOf, type ServiceName } from "../model/proxy-url.js";
import { clusterError } from "./cluster-errors.js";
import { SandboxError } from "./errors.js";

/** A Service keeps its address for as long as it is there; one that was made anew is found after so long. */
const freshMs = 30_000;
/** A pause, so that an API server that is in trouble is not asked as fast as it answers. */
const againMs = 250;

/** Where the egress proxy of one cluster is. */
export class ProxyAddress {
  readonly #client: KubernetesClient;
  readonly #given: string;
  readonly #patienceMs: number;
  #known: string | undefined;
  #askedAt = -Infinity;
  #asking: Promise<string> | undefined;

  /**
   * @param given the URL by the name of a Service, which each cluster has its own of, or by an address
   * @param patienceMs for how long trouble of the API server is waited out where an address is known; 0: nowhere
   */
  constructor(client: KubernetesClient, given: string, patienceMs: number) {
    this.#client = client;
    this.#given = given;
    this.#patienceMs = patienceMs;
  }

  /**
   * Its URL, by address. While the API server is in trouble, the one that was found last; where there is none, it is asked for again
   * until `deadline`.
   * @throws SandboxError if it was never found, or there is no such Service.
   */
  async url(deadline: AbortSignal): Promise<string> {
    const service = serviceOf(this.#given);
    if (service === undefined) return this.#given;
    if (this.#known !== undefined && performance.now() - this.#askedAt < freshMs) return this.#known;
    for (;;) {
      try {
        return await (this.#asking ??= this.#ask(service).finally(() => {
          this.#asking = undefined;
        }));
      } catch (error) {
        if (deadline.aborted || this.#patienceMs === 0 || !mayPass(error)) throw error;
        await sleep(againMs, undefined, { signal: deadline }).catch(() => undefined);
      }
    }
  }

  async #ask({ namespace, name }: ServiceName): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/services/${name}`;
    try {
      const request = { method: "GET", path, patience: this.#patienceMs } as const;
      const { spec } = await this.#client.request<V1Service>(request);
      const address = spec?.clusterIP ?? "None";
      if (address === "" || address === "None") throw new Error(`the Service ${name} has no address`);
      this.#known = atAddress(this.#given, address);
    } catch (error) {
      if (isNotFound(error)) this.#known = undefined;
      if (this.#known === undefined)
        throw new SandboxError(
          "unavailable",
          "the egress proxy, which sandboxes of this egress need, cannot be found; try again",
          { cause: error },
        );
    }
    this.#askedAt = performance.now();
    return this.#known;
  }
}

/** Whether it was the API server that was in trouble when the address was asked for. */
function mayPass(error: unknown): boolean {
  const cause = clusterError(error);
  return cause !== undefined && isTrouble(cause);
}
