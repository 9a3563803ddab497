// The few requests that the provisioner makes, in its one namespace: also the list of what its Role must allow.
import type { CoreV1Event, V1Lease, V1Pod, V1Service } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";

import type { PatchOperation } from "../model/claim.js";
import type { KubernetesClient, KubernetesRequest } from "./client.js";

/** A pod that is meant, and no other that has taken its name. */
export interface PodIdentity {
  readonly podName: string;
  readonly podUid: string;
  /** If given, the pod must not have changed since. */
  readonly resourceVersion?: string;
}

/**
 * The requests. All throw KubernetesError. Those about pods and Services wait out trouble of the API server: names, tests and
 * preconditions make a second one find what the first did. Where `deadline` is given, it says for how long, as whoever asked
 * waits until then in any case. A Lease does not wait: who cannot renew it in time has lost it.
 */
export class Namespace {
  readonly pods: string;
  readonly services: string;
  readonly configMaps: string;
  readonly events: string;
  readonly #leases: string;

  constructor(
    readonly client: KubernetesClient,
    readonly name: string,
    readonly patienceMs: number,
  ) {
    const core = `/api/v1/namespaces/${encodeURIComponent(name)}`;
    this.pods = `${core}/pods`;
    this.services = `${core}/services`;
    this.configMaps = `${core}/configmaps`;
    this.events = `${core}/events`;
    this.#leases = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(name)}/leases`;
  }

  createPod(pod: V1Pod, deadline?: AbortSignal): Promise<V1Pod> {
    return this.#request({ method: "POST", path: this.pods, body: pod }, deadline);
  }

  getPod(name: string, deadline?: AbortSignal): Promise<V1Pod> {
    return this.#request({ method: "GET", path: `${this.pods}/${encodeURIComponent(name)}` }, deadline);
  }

  /** The pods with all these labels, from the API server itself. */
  async listPods(labelSelector: string): Promise<V1Pod[]> {
    const query = { labelSelector };
    const { items } = await this.#request<{ items: V1Pod[] }>({ method: "GET", path: this.pods, query });
    return items;
  }

  patchPod(name: string, operations: readonly PatchOperation[], deadline?: AbortSignal): Promise<V1Pod> {
    const path = `${this.pods}/${encodeURIComponent(name)}`;
    const contentType = "application/json-patch+json";
    return this.#request({ method: "PATCH", path, body: operations, contentType }, deadline);
  }

  /** Returns the pod as it is from now on, being deleted; nothing if it is gone at once. */
  async deletePod(pod: PodIdentity, deadline?: AbortSignal): Promise<V1Pod | undefined> {
    const { podName, podUid: uid, resourceVersion } = pod;
    const path = `${this.pods}/${encodeURIComponent(podName)}`;
    const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
    const body = { apiVersion: "v1", kind: "DeleteOptions", preconditions };
    const answer = await this.#request<V1Pod>({ method: "DELETE", path, body }, deadline);
    return answer.metadata?.deletionTimestamp === undefined ? undefined : answer;
  }

  /** The end of what the sandbox's server has logged, as it arrives. */
  logs(podName: string, tailLines: number, limitBytes: number): Promise<Dispatcher.ResponseData["body"]> {
    const query = { container: "sandbox", tailLines: String(tailLines), limitBytes: String(limitBytes) };
    const path = `${this.pods}/${encodeURIComponent(podName)}/log`;
    return this.client.stream({ method: "GET", path, query }, 10_000);
  }

  createService(service: V1Service, deadline?: AbortSignal): Promise<V1Service> {
    return this.#request({ method: "POST", path: this.services, body: service }, deadline);
  }

  /** Does not wait: an Event that comes late says little. */
  createEvent(event: CoreV1Event): Promise<CoreV1Event> {
    return this.client.request({ method: "POST", path: this.events, body: event });
  }

  getLease(name: string): Promise<V1Lease> {
    return this.client.request({ method: "GET", path: `${this.#leases}/${encodeURIComponent(name)}` });
  }

  createLease(lease: V1Lease): Promise<V1Lease> {
    return this.client.request({ method: "POST", path: this.#leases, body: lease });
  }

  replaceLease(name: string, lease: V1Lease): Promise<V1Lease> {
    return this.client.request({
      method: "PUT",
      path: `${this.#leases}/${encodeURIComponent(name)}`,
      body: lease,
    });
  }

  #request<T>(request: KubernetesRequest, deadline?: AbortSignal): Promise<T> {
    // Whoever wants no trouble waited out wants it nowhere.
    const patience = deadline !== undefined && this.patienceMs > 0 ? deadline : this.patienceMs;
    return this.client.request<T>({ ...request, patience });
  }
}
