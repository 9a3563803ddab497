// Which sandbox is at an address: read off the pods, and refused whenever that is not certain.
import type { V1Pod } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import { viewOf, type Sandbox } from "../model/sandbox.js";
import { parseAddress } from "./address.js";
import { Arrivals } from "./arrivals.js";
import type { EgressSandbox } from "./options.js";
import { parseRule, type Rule, type Rules } from "./rules.js";

/** How long pods are believed to be what they were when the watch was cut. Milliseconds. */
const staleMs = 60_000;

/** A pod that holds its addresses. */
interface Holder {
  readonly podUid: string;
  readonly podName: string;
  readonly addresses: readonly string[];
  /** Whether it may become a sandbox's at any moment. */
  readonly idle: boolean;
  /** What it is served as; undefined for one that is not served. */
  readonly served: (EgressSandbox & Pick<Sandbox, "id">) | undefined;
}

/** What the log and Events say of a sandbox. */
export interface EgressSubject {
  readonly podName: string;
  readonly podUid: string;
  readonly id: string;
  readonly tenant: string;
}

/** Follows the pods. */
export class EgressSandboxes {
  readonly #pods: WatchCache<V1Pod>;
  readonly #byName = new Map<string, Holder>();
  readonly #byAddress = new Map<string, Set<Holder>>();
  readonly #arrivals = new Arrivals();
  readonly #onBadRule: (subject: EgressSubject, text: string) => void;

  /**
   * @param onChange told of each sandbox whose rules may have changed, and with undefined of each that is not served any more
   * @param onBadRule told of a rule that cannot be read; it allows and denies nothing
   */
  constructor(
    pods: WatchCache<V1Pod>,
    onChange: (podUid: string, rules: Rules | undefined) => void,
    onBadRule: (subject: EgressSubject, text: string) => void,
  ) {
    this.#pods = pods;
    this.#onBadRule = onBadRule;
    pods.onChange((pod, gone) => {
      const name = pod.metadata?.name ?? "";
      const before = this.#byName.get(name);
      const now = gone ? undefined : this.#holder(pod);
      if (before !== undefined) this.#forget(before);
      if (now !== undefined) this.#note(now);
      if (before?.served !== undefined && now?.served?.podUid !== before.podUid)
        onChange(before.podUid, undefined);
      if (now?.served !== undefined) onChange(now.podUid, now.served.rules);
      for (const key of now?.addresses ?? []) if (!this.#mayCome(key)) this.#arrivals.wake(key);
    });
  }

  /** The sandbox that may use the proxy from this address. */
  at(address: string): EgressSandbox | undefined {
    const key = keyOf(address);
    const holders = key === undefined ? undefined : this.#byAddress.get(key);
    // Two pods with one address: one of them is something else by now, and we do not know which.
    if (holders?.size !== 1 || this.#stale()) return undefined;
    const [holder] = holders;
    return holder?.served;
  }

  /** Waits a moment for the sandbox at this address, if it may be that none is seen there because we are behind. */
  async arrival(address: string): Promise<void> {
    const key = keyOf(address);
    if (key !== undefined && this.#mayCome(key) && !this.#stale()) await this.#arrivals.wait(key);
  }

  /** Whom a pod is for. */
  subject(podUid: string): EgressSubject | undefined {
    const name = [...this.#byName.values()].find((one) => one.podUid === podUid);
    return name?.served && { ...name.served, podName: name.podName };
  }

  /** Whether nobody is seen at an address but, at most, a pod that waits to be claimed. */
  #mayCome(key: string): boolean {
    const holders = [...(this.#byAddress.get(key) ?? [])];
    return holders.length < 2 && holders.every(({ idle }) => idle);
  }

  /** Whether pods may have changed hands without our knowing. */
  #stale(): boolean {
    return this.#pods.cutForMs > staleMs;
  }

  /** Undefined for a pod that is ending or over: its addresses are, or soon will be, another's. */
  #holder(pod: V1Pod): Holder | undefined {
    const { metadata, status } = pod;
    const podName = metadata?.name ?? "";
    const over = status?.phase === "Failed" || status?.phase === "Succeeded";
    if (metadata?.deletionTimestamp !== undefined || over) return undefined;
    const texts = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)];
    const addresses = [...new Set(texts.map((text) => keyOf(text ?? "")))].filter((key) => key !== undefined);
    const view = viewOf(pod);
    if (view.kind !== "sandbox" || view.pod.egress !== "allowlist")
      return {
        ...{ podName, podUid: metadata?.uid ?? "", addresses },
        ...{ idle: view.kind === "idle", served: undefined },
      };
    const { id, tenant, podUid, network } = view.pod;
    const read = (list: readonly string[] = []): Rule[] =>
      list.flatMap((text) => {
        const rule = parseRule(text);
        if (rule === undefined) this.#onBadRule({ podName, podUid, id, tenant }, text);
        return rule ?? [];
      });
    const rules = { allow: read(network?.allow), deny: read(network?.deny) };
    return { podName, podUid, addresses, idle: false, served: { podUid, id, tenant, rules } };
  }

  #note(holder: Holder): void {
    this.#byName.set(holder.podName, holder);
    for (const key of holder.addresses) {
      const holders = this.#byAddress.get(key);
      if (holders === undefined) this.#byAddress.set(key, new Set([holder]));
      else holders.add(holder);
    }
  }

  #forget(holder: Holder): void {
    this.#byName.delete(holder.podName);
    for (const key of holder.addresses) {
      const holders = this.#byAddress.get(key);
      holders?.delete(holder);
      if (holders?.size === 0) this.#byAddress.delete(key);
    }
  }
}

/** The same text for every spelling of an address. */
function keyOf(text: string): string | undefined {
  const address = parseAddress(text);
  return address && `${address.family} ${address.first}`;
}
