// Creating, finding, extending and deleting sandboxes. A create takes an idle pod by one write; only where there is none, or the
// sandbox needs volumes of its own, is a pod made.
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { V1Pod } from "@kubernetes/client-node";

import { isConflict, isNotFound, isTrouble, KubernetesError } from "../kubernetes/client.js";
import type { ClusterClock } from "../kubernetes/clock.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { WatchCache } from "../kubernetes/watch-cache.js";
import { ranked } from "../model/choice.js";
import {
  add,
  canonicalText,
  claimMetadata,
  claimPatch,
  escaped,
  type SandboxRequest,
} from "../model/claim.js";
import { hasTime } from "../model/deadline.js";
import { differences, unseenFields } from "../model/differences.js";
import { revisionOf, type Environment } from "../model/environment.js";
import { EGRESS_RULES, EXPIRES_AT, SANDBOX_ID, TENANT } from "../model/labels.js";
import { coldPodName } from "../model/names.js";
import { networkAnnotation, type NetworkRules } from "../model/network-rules.js";
import { buildPod, type MountedVolume, type PodSettings } from "../model/pod.js";
import { viewOf, type IdlePod, type Sandbox } from "../model/sandbox.js";
import { sized, type SizeProblem, type TenantBounds } from "../model/size.js";
import { isStuck } from "../model/timeouts.js";
import { annotate, attribute, inSpan } from "../tracing/spans.js";
import type { Arrivals } from "./arrivals.js";
import { isLive, rankKey, type Directory } from "./directory.js";
import type { Endpoints } from "./endpoints.js";
import type { Environments } from "./environments.js";
import { checkEgress, checkRules, proxyVariables } from "./egress-access.js";
import { SandboxError, unknownEnvironment } from "./errors.js";
import type { HandOver, HandOverClient } from "./hand-over.js";
import type { Metrics } from "./metrics.js";
import type { PodTimes } from "./pod-times.js";
import type { ProxyAddress } from "./proxy-address.js";
import { isLimited, overQuota, usageOf, type Quota, type Use } from "./quota.js";
import type { Services } from "./services.js";
import type { Tokens } from "./tokens.js";
import { untilSeen } from "./until-seen.js";

/** What creating needs. */
export interface SandboxesParts {
  readonly namespace: Namespace;
  readonly pods: WatchCache<V1Pod>;
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly environments: Environments;
  readonly endpoints: Endpoints;
  readonly services: Services;
  readonly tokens: Tokens;
  readonly handOver: HandOverClient;
  readonly metrics: Metrics;
  readonly clock: ClusterClock;
  readonly times: PodTimes;
  /** Where sandboxes of profile `allowlist` are sent; absent: there is no egress proxy. */
  readonly proxyAddress?: ProxyAddress | undefined;
  /** What the tenant has, or will have in a moment, in other clusters, for its quota. */
  readonly elsewhere: (tenant: string) => readonly Use[];
  readonly settings: SandboxesSettings;
}

/** How sandboxes are made. */
export interface SandboxesSettings extends PodSettings {
  readonly readyTimeoutSeconds: number;
  readonly startTimeoutSeconds: number;
  readonly maxSandboxes: number;
  /** Where the egress proxy is, as it was configured: with it, there is somebody to keep rules. */
  readonly egressProxyUrl?: string | undefined;
}

/** One create. */
export interface CreateRequest {
  readonly request: SandboxRequest;
  /** Volumes of its own; with any, no idle pod will do. */
  readonly volumes: readonly MountedVolume[];
  readonly quota: Quota;
  /** Whether the id was made up for this request, so that no sandbox anywhere can have it. */
  readonly fresh?: boolean;
  readonly bounds: TenantBounds;
}

/** What a create came to. */
export interface Created {
  readonly sandbox: Sandbox;
  /** Whether it was there before, by an earlier request for the same. */
  readonly existed: boolean;
}

/** An idle pod answers at once or is no good. */
const warmHandOverMs = 2_000;
const claimAttempts = 5;
/** How long an idle pod's Service is waited for, which is made right after the pod. */
const serviceMs = 500;
/** Events come within milliseconds; a watch that was cut is there again in less than this. */
const claimsSeenMs = 1_000;
/** How long a sandbox that is starting has to say that it answers. One that does not listen yet says so at once. */
const askedMs = 1_000;
/** How often an idle pod that is starting is looked at, where it is the last that there may be. */
const startingMs = 100;
/** How often it is looked whether a pod that does not go is lost with its node. */
const stuckLookMs = 500;
/** How often it is looked whether pods that are being deleted have left room. */
const endingMs = 100;

/** The sandboxes. */
export class Sandboxes {
  readonly #parts: SandboxesParts;
  /** Creates that are under way, so that two of the same id in one process are one. */
  readonly #underWay = new Map<string, { fingerprint: string; result: Promise<Created> }>();
  /** What creates that are under way will use, for quotas. */
  readonly #reserved = new Map<string, { tenant: string; limits: Use["limits"] }>();
  /** How many creates of each tenant wait for pods of it that are being deleted. */
  readonly #waiting = new Map<string, number>();
  readonly #taken = new Set<string>();
  readonly #handedOver = new Set<string>();

  constructor(parts: SandboxesParts) {
    this.#parts = parts;
    parts.directory.onChange(({ podUid }, gone) => {
      if (gone) this.#handedOver.delete(podUid);
    });
  }

  /** @throws SandboxError if it is not carried out. */
  async create(create: CreateRequest): Promise<Created> {
    const { metrics } = this.#parts;
    const { id, tenant, environment } = create.request;
    const of = { [attribute.sandbox]: id, [attribute.tenant]: tenant, [attribute.environment]: environment };
    return inSpan("create sandbox", of, async (span) => {
      try {
        const created = await this.#createOnce(create);
        if (created.existed) {
          metrics.createEnded("existed");
          span.setAttribute(attribute.outcome, "existed");
        }
        return created;
      } catch (error) {
        metrics.createEnded(error instanceof SandboxError ? error.code : "internal");
        throw error;
      }
    });
  }

  #createOnce(create: CreateRequest): Promise<Created> {
    const { request } = create;
    const key = rankKey(request.tenant, request.id);
    const fingerprint = this.#parts.tokens.fingerprint(canonicalText(request));
    const before = this.#underWay.get(key);
    if (before !== undefined) {
      if (before.fingerprint !== fingerprint) return Promise.reject(conflict(request));
      return before.result.then(({ sandbox }) => ({ sandbox, existed: true }));
    }
    const result = translated(this.#create(create, fingerprint), whenCreating).finally(() => {
      this.#underWay.delete(key);
      this.#reserved.delete(key);
    });
    this.#underWay.set(key, { fingerprint, result });
    return result;
  }

  /** @throws SandboxError if there is none, or if that cannot be known now. */
  get(tenant: string, id: string): Sandbox {
    const { directory } = this.#parts;
    const found = directory.get(tenant, id);
    if (directory.unsure(found))
      throw new SandboxError("unavailable", "the cluster cannot be watched at the moment; try again");
    if (found === undefined || found.state === "stopping") throw notFound();
    return found;
  }

  /** The same, but this replica has a moment to see what another one has just made. @throws SandboxError as {@link get} */
  async find(tenant: string, id: string): Promise<Sandbox> {
    const { directory } = this.#parts;
    if (directory.get(tenant, id) === undefined && directory.current) await untilSeen(directory, tenant, id);
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

  /** Deletes it; whether there was one. @throws SandboxError if the cluster cannot be asked. */
  delete(tenant: string, id: string): Promise<boolean> {
    const of = { [attribute.sandbox]: id, [attribute.tenant]: tenant };
    return inSpan("delete sandbox", of, () => translated(this.#delete(tenant, id)));
  }

  /** Sets the soft timeout to `seconds` from now, but never beyond the hard one. @throws SandboxError */
  extend(tenant: string, id: string, seconds: number): Promise<Sandbox> {
    const sandbox = this.get(tenant, id);
    const { clock, times } = this.#parts;
    const until = Math.min(clock.now().getTime() + seconds * 1000, times.hardEnd(sandbox).getTime());
    return translated(
      this.#parts.namespace
        .patchPod(sandbox.podName, [
          { op: "test", path: "/metadata/uid", value: sandbox.podUid },
          add(`/metadata/annotations/${escaped(EXPIRES_AT)}`, new Date(until).toISOString()),
        ])
        .then((pod) => this.#seen(pod))
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
  logs(
    tenant: string,
    id: string,
    tailLines: number,
    limitBytes: number,
  ): Promise<AsyncIterable<Uint8Array>> {
    const sandbox = this.get(tenant, id);
    return translated(
      this.#parts.namespace.logs(sandbox.podName, tailLines, limitBytes).catch((error: unknown) => {
        // What is asked for has always the same form, so it is the container that is not there yet: nothing was logged.
        if (error instanceof KubernetesError && error.status === 400) return Readable.from([]);
        throw error;
      }),
    );
  }

  /** Whether an idle pod is being claimed at this moment. */
  get claiming(): boolean {
    return this.#taken.size > 0;
  }

  /** What idle pods of the environment are to be made from. */
  revisionOf(environment: Environment): string {
    return revisionOf(environment, this.#parts.settings);
  }

  /** Whether no other pod may be made. */
  get full(): boolean {
    return this.#isFull();
  }

  /** What the tenant's sandboxes here use, those that are about to come among them. Failed ones use nothing. */
  usesOf(tenant: string): Use[] {
    const used = this.#parts.directory.ofTenant(tenant);
    const live = used.filter((one) => isLive(one) && !this.#reserved.has(rankKey(tenant, one.id)));
    const coming = [...this.#reserved.values()].filter((one) => one.tenant === tenant);
    return [
      ...[...live, ...coming].map(({ limits }) => ({ limits, ending: false })),
      ...used.filter((one) => this.#isEnding(one)).map(({ limits }) => ({ limits, ending: true })),
    ];
  }

  /** Whether this replica handed the sandbox over. */
  handedOver(sandbox: Sandbox): boolean {
    return this.#handedOver.has(sandbox.podUid);
  }

  async #create(create: CreateRequest, fingerprint: string): Promise<Created> {
    const { request, volumes } = create;
    const { directory, environments, metrics } = this.#parts;
    const started = performance.now();
    const deadline = AbortSignal.timeout(this.#parts.settings.readyTimeoutSeconds * 1000);
    const before = directory.get(request.tenant, request.id);
    if (before !== undefined && isLive(before)) {
      return { sandbox: await this.#adopt(before, request, fingerprint, deadline), existed: true };
    }
    const environment = environments.get(request.environment);
    if (environment === undefined) throw unknownEnvironment(request.environment);
    checkEgress(request, environment, this.#parts.settings.egressProxyUrl);
    // Asked for before anything is claimed: a sandbox that could not be told of it would be of no use.
    await proxyVariables(request.egress ?? environment.egress, this.#parts.proxyAddress, request.secrets);
    // Known beforehand, it costs no pod.
    if (this.#parts.settings.server === "aio" && !this.#acceptable("unsupported", request))
      throw notHandedOver(takesNothing);
    const { own, environment: asked, problems } = sized(environment, request, create.bounds);
    if (problems.length > 0) throw tooMuch(problems);
    await this.#reserve(create, asked, deadline);
    // A failed one makes way: who asks for a sandbox wants one that works.
    if (before?.state === "failed") await this.#remove(before);

    const warm =
      volumes.length === 0 && own
        ? await this.#claimWarm(environment, request, fingerprint, deadline)
        : undefined;
    if (warm === undefined && this.#isFull()) throw full();
    const sandbox = warm ?? (await this.#createCold(asked, create, fingerprint, deadline));
    const start = warm === undefined ? "cold" : "warm";
    annotate({ [attribute.outcome]: start });
    metrics.created(environment.name, start, (performance.now() - started) / 1000);
    return { sandbox, existed: false };
  }

  /**
   * Pods that are being deleted count: whoever creates and deletes in a circle would otherwise have far more of them than its share.
   * A create that only these leave no room for waits for them.
   * @throws SandboxError if the tenant or the cluster has its share.
   */
  async #reserve(
    { request, quota }: CreateRequest,
    environment: Environment,
    deadline: AbortSignal,
  ): Promise<void> {
    const { directory, elsewhere } = this.#parts;
    const { tenant, id } = request;
    const limits = environment.resources.limits;
    const over = (uses: readonly Use[]): string | undefined =>
      overQuota(usageOf([...uses.map((use) => use.limits), limits]), quota);
    while (isLimited(quota)) {
      const uses = [...this.usesOf(tenant), ...elsewhere(tenant)];
      const problem = over(uses);
      if (problem === undefined) break;
      const staying = uses.filter(({ ending }) => !ending);
      const waiting = this.#waiting.get(tenant) ?? 0;
      // No more wait than may find room, so that a crowd of them costs a tenant's neighbours nothing.
      const inVain = over(staying) !== undefined || waiting >= uses.length - staying.length;
      if (inVain || deadline.aborted) throw new SandboxError("quota", problem);
      this.#waiting.set(tenant, waiting + 1);
      await sleep(endingMs, undefined, { signal: deadline }).catch(() => undefined);
      this.#waiting.set(tenant, (this.#waiting.get(tenant) ?? 1) - 1);
    }
    if (directory.idle(environment.name).length === 0 && this.#isFull()) throw full();
    this.#reserved.set(rankKey(tenant, id), { tenant, limits });
  }

  /** Whether it is being deleted and still uses what it did. One whose node is lost may stay, but is nothing that anybody uses. */
  #isEnding(sandbox: Sandbox): boolean {
    return sandbox.state === "stopping" && !this.#isStuck(sandbox);
  }

  /** Whether there are as many pods as there may be, those that are on their way among them. */
  #isFull(): boolean {
    const { directory, arrivals, settings } = this.#parts;
    return directory.count() + arrivals.count >= settings.maxSandboxes;
  }

  /** A sandbox that is there already: the same request again, or the other half of a race. */
  async #adopt(
    sandbox: Sandbox,
    request: SandboxRequest,
    fingerprint: string,
    deadline: AbortSignal,
  ): Promise<Sandbox> {
    if (!this.#isSame(sandbox, request, fingerprint)) throw conflict(request, sandbox);
    // Whoever made the pod may have died before it made the Service: without one it could not be handed over from outside.
    await this.#parts.services.ensure(sandbox, deadline);
    // With the fingerprint that it was claimed with: that tells its server that this is the same hand-over.
    return this.#finish(sandbox, request, sandbox.fingerprint, deadline, false);
  }

  /** Whether it was made for the same request; with whichever signing key. */
  #isSame(sandbox: Sandbox, request: SandboxRequest, fingerprint: string): boolean {
    if (sandbox.fingerprint === fingerprint) return true;
    return this.#parts.tokens.isFingerprint(sandbox.fingerprint, canonicalText(request));
  }

  /** An idle pod. Where no other pod may be made, one that is still starting is waited for. */
  async #claimWarm(
    environment: Environment,
    request: SandboxRequest,
    fingerprint: string,
    deadline: AbortSignal,
  ): Promise<Sandbox | undefined> {
    const { directory, tokens } = this.#parts;
    const revision = this.revisionOf(environment);
    for (;;) {
      const claimed = await this.#claimIdle(environment, request, fingerprint, deadline);
      if (claimed !== undefined || !this.#isFull()) return claimed;
      const mayCome = directory
        .idle(environment.name)
        .some((pod) => pod.state === "starting" && pod.revision === revision && tokens.knows(pod));
      if (!mayCome || deadline.aborted) return undefined;
      await sleep(startingMs, undefined, { signal: deadline }).catch(() => undefined);
    }
  }

  async #claimIdle(
    environment: Environment,
    request: SandboxRequest,
    fingerprint: string,
    deadline: AbortSignal,
  ): Promise<Sandbox | undefined> {
    const { directory, metrics, times, tokens, services } = this.#parts;
    const revision = this.revisionOf(environment);
    const { hardSeconds } = request.lifetime;
    const usable = directory
      .idle(environment.name)
      .filter((pod) => pod.state === "running" && pod.revision === revision && tokens.knows(pod))
      .filter((pod) => hasTime(pod, times.age(pod), hardSeconds));
    const order = ranked(rankKey(request.tenant, request.id), usable);
    const unserved = order.filter((pod) => services.lacks(pod));
    let attempts = 0;
    for (const pod of [...order.filter((pod) => !unserved.includes(pod)), ...unserved]) {
      // Another claim of this process has it: its write would be refused, so it is not even tried.
      if (this.#taken.has(pod.podUid)) continue;
      if ((attempts += 1) > claimAttempts) break;
      this.#taken.add(pod.podUid);
      try {
        // Its URL would lead nowhere; what keeps one from its Service keeps those after it.
        if (!(await this.#isServed(pod, deadline))) break;
        const claimed = await inSpan("claim pod", { [attribute.pod]: pod.podName }, async (span) => {
          const claim = await this.#claim(pod, environment, request, fingerprint);
          span.setAttribute(attribute.outcome, claim?.outcome ?? "lost");
          return claim;
        });
        if (claimed === undefined) {
          metrics.claimLost(environment.name);
          continue;
        }
        const { sandbox, outcome } = claimed;
        // Whoever claimed it may have answered its owner: it is theirs, whether or not it answers us.
        if (outcome === "found") return await this.#adopt(sandbox, request, fingerprint, deadline);
        const limit = AbortSignal.any([deadline, AbortSignal.timeout(warmHandOverMs)]);
        const answers = await this.#handOver(sandbox, request, fingerprint, limit, true);
        if (answers) return await this.#settled(sandbox, request, fingerprint, deadline);
        // It was Ready and does not answer: it is no good to anybody.
        await this.#remove(sandbox);
      } finally {
        this.#taken.delete(pod.podUid);
      }
    }
    return undefined;
  }

  /**
   * The one write. `found`: it was claimed for the same id already, by another replica or by a write of ours whose answer was lost.
   * Nothing if somebody else was first, or the pod is over.
   */
  async #claim(
    pod: IdlePod,
    environment: Environment,
    request: SandboxRequest,
    fingerprint: string,
  ): Promise<{ readonly sandbox: Sandbox; readonly outcome: "won" | "found" } | undefined> {
    const { namespace, pods, clock } = this.#parts;
    const now = clock.now();
    const claim = claimMetadata(request, fingerprint, environment.egress, now);
    try {
      const sandbox = this.#seen(await namespace.patchPod(pod.podName, claimPatch(pod, claim, now)));
      // The API server takes a claim of a pod that is being deleted too; its server may even answer until it is killed.
      return sandbox.state === "stopping" ? undefined : { sandbox, outcome: "won" };
    } catch (error) {
      // A test of the patch that fails is 422; a pod that went is 404.
      if (!(error instanceof KubernetesError) || ![404, 409, 422].includes(error.status)) throw error;
      if (error.status === 404) return undefined;
      const there = await namespace.getPod(pod.podName).catch(() => ({}));
      const view = viewOf(there);
      const same =
        view.kind === "sandbox" && view.pod.tenant === request.tenant && view.pod.id === request.id;
      if (!same || !isLive(view.pod)) return undefined;
      pods.observe(there);
      return { sandbox: view.pod, outcome: "found" };
    }
  }

  async #createCold(
    environment: Environment,
    { request, volumes }: CreateRequest,
    fingerprint: string,
    deadline: AbortSignal,
  ): Promise<Sandbox> {
    const { namespace, pods, directory, arrivals, tokens, settings, clock } = this.#parts;
    let name = coldPodName(request.tenant, request.id);
    for (;;) {
      const claim = claimMetadata(request, fingerprint, environment.egress, clock.now());
      const { keyId } = tokens;
      const claimSecret = tokens.claimSecret({ podName: name, keyId });
      const deadlineSeconds = claim.hardSeconds;
      const pod = buildPod(
        { name, environment, claimSecret, keyId, volumes, claim, deadlineSeconds },
        settings,
      );
      try {
        const sandbox = await arrivals.of(async () => this.#seen(await namespace.createPod(pod)));
        await this.#serve(sandbox, deadline);
        return await this.#settled(sandbox, request, fingerprint, deadline);
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
      const there = await namespace.getPod(name).catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (there === undefined) continue;
      pods.observe(there);
      const view = viewOf(there);
      if (view.kind !== "sandbox" || view.pod.tenant !== request.tenant || view.pod.id !== request.id)
        throw new SandboxError("refused", `the pod ${name} is there, but is no sandbox of ours; remove it`);
      if (isLive(view.pod)) return this.#adopt(view.pod, request, fingerprint, deadline);
      if (view.pod.state === "failed") await this.#remove(view.pod);
      await this.#gone(view.pod, deadline);
      const other = directory.get(request.tenant, request.id);
      if (other !== undefined && isLive(other)) return this.#adopt(other, request, fingerprint, deadline);
      // It is not deleted by force: what runs on a node that is only cut off may still write to its volumes, and the cluster
      // must go on knowing that.
      if (this.#isStuck(view.pod)) name = coldPodName(request.tenant, request.id, view.pod.podUid);
    }
  }

  /** Whether an idle pod has its Service, or gets it at once: the pod is a moment older than that. */
  async #isServed(pod: IdlePod, deadline: AbortSignal): Promise<boolean> {
    const { services } = this.#parts;
    if (!services.lacks(pod)) return true;
    const patience = AbortSignal.any([deadline, AbortSignal.timeout(serviceMs)]);
    await services.ensure(pod, patience).catch((error: unknown) => {
      if (!(error instanceof KubernetesError)) throw error;
    });
    return !services.lacks(pod);
  }

  /** Makes the Service of a new pod, or unmakes the pod where the cluster takes none: nobody would ever be led to it. */
  async #serve(sandbox: Sandbox, deadline: AbortSignal): Promise<void> {
    try {
      await this.#parts.services.ensure(sandbox, deadline);
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 403) await this.#remove(sandbox);
      throw error;
    }
  }

  /** Whether the pod is still there although it should have been gone: its node is lost, and may stay so. */
  #isStuck({ podName, podUid }: Sandbox): boolean {
    const view = viewOf(this.#parts.pods.get(podName) ?? {});
    return view.kind === "sandbox" && view.pod.podUid === podUid && isStuck(this.#parts.times.ages(view.pod));
  }

  /** Waits until a pod that is going has gone, as a name is free only then, or is not waited for any more, or its id has another. */
  async #gone(pod: Sandbox, deadline: AbortSignal): Promise<void> {
    const { pods, directory } = this.#parts;
    const isGone = (): boolean => {
      if (pods.get(pod.podName)?.metadata?.uid !== pod.podUid || this.#isStuck(pod)) return true;
      const other = directory.get(pod.tenant, pod.id);
      return other !== undefined && isLive(other);
    };
    if (isGone()) return;
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (isGone()) end(resolve);
      };
      const off = pods.onChange(look);
      // That it is stuck is no event.
      const timer = setInterval(look, stuckLookMs);
      const late = (): void => {
        end(() => {
          reject(new SandboxError("busy", "the sandbox that had this id is still being deleted; try again"));
        });
      };
      const end = (how: () => void): void => {
        off();
        clearInterval(timer);
        deadline.removeEventListener("abort", late);
        how();
      };
      deadline.addEventListener("abort", late);
      if (deadline.aborted) late();
    });
  }

  /**
   * After the sandbox is ours: hands it over, and gives way if another replica claimed one for the same id before. Every replica that
   * has seen all up to its own claim knows whether its was the first; with a watch that does not come to that, the reaper finds out.
   */
  async #settled(
    sandbox: Sandbox,
    request: SandboxRequest,
    fingerprint: string,
    deadline: AbortSignal,
  ): Promise<Sandbox> {
    const patience = AbortSignal.any([deadline, AbortSignal.timeout(claimsSeenMs)]);
    const seen = this.#parts.pods.caughtUp(sandbox.resourceVersion, patience);
    const finished = await this.#finish(sandbox, request, fingerprint, deadline, true);
    await seen;
    const winner = this.#parts.directory.get(request.tenant, request.id);
    if (winner === undefined || winner.podUid === sandbox.podUid || !isLive(winner)) return finished;
    await this.#remove(sandbox);
    return this.#adopt(winner, request, fingerprint, deadline);
  }

  /** Hands over if that has not happened. A sandbox that takes longer than the caller waits is handed over later. */
  async #finish(
    sandbox: Sandbox,
    request: SandboxRequest,
    fingerprint: string,
    deadline: AbortSignal,
    fresh: boolean,
  ): Promise<Sandbox> {
    const { directory, settings } = this.#parts;
    if (!this.#handedOver.has(sandbox.podUid)) {
      const patience = AbortSignal.timeout(settings.startTimeoutSeconds * 1000);
      const ended = this.#untilOver(sandbox, patience);
      const work = this.#handOver(sandbox, request, fingerprint, ended.signal, fresh).finally(ended.stop);
      // Whoever waits hears of what goes wrong; once nobody waits, the reaper finds what was not handed over.
      work.catch(() => undefined);
      await Promise.race([work, aborted(deadline)]);
    }
    const now = directory.get(sandbox.tenant, sandbox.id);
    if (now?.podUid !== sandbox.podUid) return sandbox;
    if (now.state === "failed")
      throw new SandboxError(
        "failed",
        `the sandbox failed while it started: ${now.reason ?? "no reason given"}`,
      );
    return now;
  }

  /**
   * Whether it is handed over now. One that was `fresh` and is no good is deleted; one that somebody may be using is not.
   * @throws SandboxError if it never will be.
   */
  async #handOver(
    sandbox: Sandbox,
    request: SandboxRequest,
    fingerprint: string,
    signal: AbortSignal,
    fresh: boolean,
  ): Promise<boolean> {
    const { endpoints, tokens, handOver, directory, pods, proxyAddress } = this.#parts;
    const what: HandOver = {
      claimId: `${sandbox.podUid}:${fingerprint}`,
      token: request.guarded ? tokens.access(sandbox) : null,
      // A name that is in both env and secrets is refused: what is given as a secret is not in env too.
      env: { ...(await proxyVariables(sandbox.egress, proxyAddress, request.secrets)), ...request.env },
      secrets: request.secrets,
    };
    const origin = (): string | undefined => {
      const view = viewOf(pods.get(sandbox.podName) ?? {});
      return view.kind === "sandbox" ? endpoints.direct(view.pod) : undefined;
    };
    const result = await inSpan("hand over", { [attribute.pod]: sandbox.podName }, async (span) => {
      const secret = tokens.claimSecret(sandbox);
      const ended = await handOver.handOver({ podUid: sandbox.podUid, origin }, secret, what, signal);
      span.setAttribute(attribute.outcome, ended.outcome);
      return ended;
    });
    if (result.outcome === "silent" || (result.outcome === "taken" && !fresh)) return false;
    if (
      result.outcome === "refused" ||
      result.outcome === "taken" ||
      !this.#acceptable(result.outcome, request)
    ) {
      if (fresh) await this.#remove(sandbox);
      if (result.outcome === "taken") return false;
      throw result.outcome === "refused" ? notHandedOver(result.message) : notHandedOver(takesNothing);
    }
    this.#handedOver.add(sandbox.podUid);
    directory.markAnswering(sandbox.podUid);
    return true;
  }

  /** A server that knows no hand-over will do if there is nothing to hand over. */
  #acceptable(outcome: "done" | "unsupported", { guarded, env, secrets }: SandboxRequest): boolean {
    return outcome === "done" || (!guarded && Object.keys({ ...env, ...secrets }).length === 0);
  }

  /** A signal that fires when the sandbox is over or patience is. */
  #untilOver(sandbox: Sandbox, patience: AbortSignal): { signal: AbortSignal; stop: () => void } {
    const over = new AbortController();
    const stop = this.#parts.directory.onChange((changed, gone) => {
      if (changed.podUid === sandbox.podUid && (gone || !isLive(changed))) over.abort();
    });
    return { signal: AbortSignal.any([over.signal, patience]), stop };
  }

  async #delete(tenant: string, id: string): Promise<boolean> {
    const { directory, namespace, pods } = this.#parts;
    if (directory.get(tenant, id) === undefined) {
      // Another replica may have created it a moment ago: "nothing there" must be true before we say it.
      const there = await namespace.listPods(`${SANDBOX_ID}=${id},${TENANT}=${tenant}`);
      for (const pod of there) pods.observe(pod);
    }
    const mine = directory.withId(id).filter((one) => one.tenant === tenant && one.state !== "stopping");
    await Promise.all(mine.map((one) => this.#remove(one)));
    return mine.length > 0;
  }

  async #setNetwork(tenant: string, id: string, change: Partial<NetworkRules>): Promise<Sandbox> {
    const { namespace, pods, settings } = this.#parts;
    const path = `/metadata/annotations/${escaped(EGRESS_RULES)}`;
    for (let attempt = 1; ; attempt += 1) {
      const sandbox = this.get(tenant, id);
      checkRules(sandbox.egress, settings.egressProxyUrl, Object.keys(change));
      const before = sandbox.network;
      const rules = {
        allow: change.allow ?? before?.allow ?? [],
        deny: change.deny ?? before?.deny ?? [],
      };
      try {
        return this.#seen(
          await namespace.patchPod(sandbox.podName, [
            { op: "test", path: "/metadata/uid", value: sandbox.podUid },
            // Two changes at once: the second is made to what the first left, and not to what it found.
            ...(before === undefined
              ? []
              : [{ op: "test" as const, path, value: networkAnnotation(before) }]),
            add(path, networkAnnotation(rules)),
          ]),
        );
      } catch (error) {
        if (!(error instanceof KubernetesError) || error.status !== 422 || attempt >= claimAttempts)
          throw error;
        pods.observe(await namespace.getPod(sandbox.podName));
      }
    }
  }

  async #remove(sandbox: Sandbox): Promise<void> {
    try {
      const { podName, podUid } = sandbox;
      const pod = await this.#parts.namespace.deletePod({ podName, podUid });
      if (pod !== undefined) this.#parts.pods.observe(pod);
    } catch (error) {
      // Gone, or another pod has its name: either way, this one is not there.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  /** Puts a pod that a write has returned into the copy, and reads it. */
  #seen(pod: V1Pod): Sandbox {
    this.#parts.pods.observe(pod);
    const view = viewOf(pod);
    if (view.kind !== "sandbox") throw notFound();
    return view.pod;
  }
}

function notFound(): SandboxError {
  return new SandboxError("not-found", "there is no such sandbox");
}

function full(): SandboxError {
  return new SandboxError("capacity", "there are as many sandboxes as there may be; try again later");
}

/** @param there the sandbox that has the id; absent: it is about to come */
function conflict(request: SandboxRequest, there?: Sandbox): SandboxError {
  const found = there === undefined ? [] : differences(request, there);
  const what =
    found.length > 0
      ? `other values of ${found.map(({ field }) => field).join(", ")}`
      : `other values of what is not shown of it: ${unseenFields}`;
  return new SandboxError(
    "conflict",
    there === undefined
      ? `the sandbox ${request.id} is being created, but it was asked for with other values; take another id`
      : `the sandbox ${request.id} is there, but it was asked for with ${what}; delete it or take another id`,
    undefined,
    found.length > 0 ? found : undefined,
  );
}

const takesNothing = "its image's server takes no env, secrets or token";

function notHandedOver(why: string): SandboxError {
  return new SandboxError("no-hand-over", `the sandbox was not handed over: ${why}`);
}

function tooMuch(problems: readonly SizeProblem[]): SandboxError {
  const sentence = problems.map(({ field, message }) => `${field} ${message}`).join("; ");
  return new SandboxError("too-much", sentence, undefined, problems);
}

/** "Not found" is about the sandbox, except where one is being made: then it is about the namespace. */
const whenCreating = (error: KubernetesError): SandboxError =>
  new SandboxError("refused", `the cluster has no place for sandboxes: ${error.message}`, { cause: error });

/** What the API server said, as what it means to whoever asked for a sandbox. */
async function translated<T>(
  work: Promise<T>,
  missing: (error: KubernetesError) => SandboxError = notFound,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KubernetesError)) throw error;
    const options = { cause: error };
    if (isTrouble(error))
      throw new SandboxError("unavailable", "the cluster does not answer as it should; try again", options);
    if (error.status === 401)
      throw new SandboxError(
        "unavailable",
        "the cluster does not accept the provisioner's own credentials, which its operator has to look into; try again later",
        options,
      );
    if (error.status === 404) throw missing(error);
    if (error.status === 403 && /exceeded quota/.test(error.message))
      throw new SandboxError("capacity", "the namespace's quota is used up; try again later", options);
    throw new SandboxError("refused", `the cluster refused: ${error.message}`, options);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
