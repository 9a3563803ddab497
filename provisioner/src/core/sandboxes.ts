// Finding, changing and deleting sandboxes, and the way to create them: all that callers may do with those of one cluster.
import { Readable } from "node:stream";

import type { V1Pod } from "@kubernetes/client-node";

import { KubernetesError } from "../kubernetes/client.js";
import type { ClusterClock } from "../kubernetes/clock.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { add, escaped } from "../model/claim.js";
import { EGRESS_RULES, EXPIRES_AT, SANDBOX_ID, TENANT } from "../model/labels.js";
import { networkAnnotation, type NetworkRules } from "../model/network-rules.js";
import type { Sandbox } from "../model/sandbox.js";
import { attribute, inSpan } from "../tracing/spans.js";
import { translated } from "./cluster-errors.js";
import type { Created, CreateRequest, Creates } from "./creates.js";
import type { Directory } from "./directory.js";
import { checkRules } from "./egress-access.js";
import type { Endpoints } from "./endpoints.js";
import { notFound, unwatched } from "./errors.js";
import type { HandOverClient } from "./hand-over.js";
import type { PodTimes } from "./pod-times.js";
import type { ProxyAddress } from "./proxy-address.js";
import type { SandboxPods } from "./sandbox-pods.js";
import type { Tokens } from "./tokens.js";
import { isNone, untilSeen } from "./until-seen.js";

/** What sandboxes need. */
export interface SandboxesParts {
  readonly namespace: Namespace;
  readonly pods: WatchCache<V1Pod>;
  readonly sandboxPods: SandboxPods;
  readonly directory: Directory;
  readonly endpoints: Endpoints;
  readonly tokens: Tokens;
  readonly handOver: HandOverClient;
  readonly clock: ClusterClock;
  readonly times: PodTimes;
  readonly creates: Creates;
  /** Where sandboxes of profile `allowlist` are sent; absent: there is no egress proxy. */
  readonly proxyAddress: ProxyAddress | undefined;
}

/** How long a sandbox that is starting has to say that it answers. One that does not listen yet says so at once. */
const askedMs = 1_000;
/** How often a change of rules is tried, where others change them at the same time. */
const changeAttempts = 5;

/** The sandboxes. */
export class Sandboxes {
  readonly #parts: SandboxesParts;

  constructor(parts: SandboxesParts) {
    this.#parts = parts;
  }

  /** @throws SandboxError if it is not carried out. */
  create(create: CreateRequest): Promise<Created> {
    return this.#parts.creates.create(create);
  }

  /** @throws SandboxError if there is none, or if that cannot be known now. */
  get(tenant: string, id: string): Sandbox {
    const { directory } = this.#parts;
    const found = directory.get(tenant, id);
    if (directory.unsure(found)) throw unwatched();
    if (found === undefined || found.state === "stopping") throw notFound();
    return found;
  }

  /** The same, but this replica has a moment to see what another one has just made. @throws SandboxError as {@link get} */
  async find(tenant: string, id: string): Promise<Sandbox> {
    const { directory } = this.#parts;
    if (isNone(directory.get(tenant, id)) && directory.current) await untilSeen(directory, tenant, id);
    return this.asked(this.get(tenant, id));
  }

  /**
   * The same sandbox, but one that is starting as far as we know is asked whether it answers: the replica that handed it over
   * knows that before probes tell the others. Once they have, they know better. @throws SandboxError as {@link get}
   */
  async asked(sandbox: Sandbox): Promise<Sandbox> {
    const { directory, endpoints, handOver, tokens } = this.#parts;
    const unprobed = sandbox.state === "starting" && !sandbox.everReady;
    const origin = unprobed ? endpoints.direct(sandbox) : undefined;
    if (origin === undefined) return sandbox;
    const patience = AbortSignal.timeout(askedMs);
    const answers = await handOver.isHandedOver(origin, tokens.claimSecret(sandbox), patience);
    if (answers === true) directory.markAnswering(sandbox.podUid);
    // It may have gone while it was asked.
    return this.get(sandbox.tenant, sandbox.id);
  }

  /** A tenant's sandboxes, by id. */
  list(tenant: string): Sandbox[] {
    const { directory } = this.#parts;
    return directory
      .ofTenant(tenant)
      .filter((one) => one.state !== "stopping")
      .filter((one) => directory.get(tenant, one.id)?.podUid === one.podUid)
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  /**
   * The UID of the pod that there is of an id, also of one that is being deleted or has failed. The API server itself is asked, so that
   * "none" is true. @throws SandboxError if the cluster cannot be asked.
   */
  async present(tenant: string, id: string): Promise<string | undefined> {
    const pods = await translated(this.#listed(tenant, id));
    const staying = pods.find(({ metadata }) => metadata?.deletionTimestamp === undefined);
    return (staying ?? pods[0])?.metadata?.uid;
  }

  /** Deletes it; whether there was one. @throws SandboxError if the cluster cannot be asked. */
  delete(tenant: string, id: string): Promise<boolean> {
    const of = { [attribute.sandbox]: id, [attribute.tenant]: tenant };
    return inSpan("delete sandbox", of, () => translated(this.#delete(tenant, id)));
  }

  /** Sets the soft timeout to `seconds` from now, but never beyond the hard one. @throws SandboxError */
  extend(tenant: string, id: string, seconds: number): Promise<Sandbox> {
    const sandbox = this.get(tenant, id);
    const { clock, times, sandboxPods } = this.#parts;
    const until = Math.min(clock.now().getTime() + seconds * 1000, times.hardEnd(sandbox).getTime());
    return translated(
      sandboxPods
        .patch(sandbox.podName, [
          { op: "test", path: "/metadata/uid", value: sandbox.podUid },
          add(`/metadata/annotations/${escaped(EXPIRES_AT)}`, new Date(until).toISOString()),
        ])
        .catch((error: unknown) => {
          // The test of the patch failed: another pod has the name.
          if (error instanceof KubernetesError && error.status === 422) throw notFound();
          throw error;
        }),
    );
  }

  /** Changes what it may reach, from now on; a list that is not given stays. @throws SandboxError */
  setNetwork(tenant: string, id: string, change: Partial<NetworkRules>): Promise<Sandbox> {
    return translated(this.#setNetwork(tenant, id, change));
  }

  /** The end of what the sandbox's server has logged. @throws SandboxError */
  logs(tenant: string, id: string, tailLines: number, limitBytes: number): Promise<Readable> {
    const sandbox = this.get(tenant, id);
    return translated(
      this.#parts.namespace.logs(sandbox.podName, tailLines, limitBytes).catch((error: unknown) => {
        // What is asked for has always the same form, so it is the container that is not there yet: nothing was logged.
        if (error instanceof KubernetesError && error.status === 400) return Readable.from([]);
        throw error;
      }),
    );
  }

  async #delete(tenant: string, id: string): Promise<boolean> {
    const { directory, pods, sandboxPods } = this.#parts;
    const staying = (): Sandbox[] =>
      directory.withId(id).filter((one) => one.tenant === tenant && one.state !== "stopping");
    const seen = staying();
    const asSeen = await Promise.all(seen.map((one) => sandboxPods.removeAsSeen(one)));
    if (seen.length > 0 && asSeen.every(Boolean)) return true;
    // Another replica may have created or replaced it a moment ago: that nothing is left must be true before we say it.
    for (const pod of await this.#listed(tenant, id)) pods.observe(pod);
    const left = staying();
    await Promise.all(left.map((one) => sandboxPods.remove(one)));
    return left.length > 0 || seen.length > 0;
  }

  #listed(tenant: string, id: string): Promise<V1Pod[]> {
    return this.#parts.namespace.listPods(`${SANDBOX_ID}=${id},${TENANT}=${tenant}`);
  }

  async #setNetwork(tenant: string, id: string, change: Partial<NetworkRules>): Promise<Sandbox> {
    const { namespace, pods, sandboxPods, proxyAddress } = this.#parts;
    const path = `/metadata/annotations/${escaped(EGRESS_RULES)}`;
    for (let attempt = 1; ; attempt += 1) {
      const sandbox = this.get(tenant, id);
      checkRules(sandbox.egress, proxyAddress, Object.keys(change));
      const before = sandbox.network;
      const rules = {
        allow: change.allow ?? before?.allow ?? [],
        deny: change.deny ?? before?.deny ?? [],
      };
      try {
        return await sandboxPods.patch(sandbox.podName, [
          { op: "test", path: "/metadata/uid", value: sandbox.podUid },
          // Two changes at once: the second is made to what the first left, and not to what it found.
          ...(before === undefined ? [] : [{ op: "test" as const, path, value: networkAnnotation(before) }]),
          add(path, networkAnnotation(rules)),
        ]);
      } catch (error) {
        if (!(error instanceof KubernetesError) || error.status !== 422 || attempt >= changeAttempts)
          throw error;
        pods.observe(await namespace.getPod(sandbox.podName));
      }
    }
  }
}
