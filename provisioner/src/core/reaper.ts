// Deletes what is over. Only the replica that leads does so; all that it goes by is written on the pods, so any replica can.
import { isConflict, isNotFound } from "../kubernetes/client.js";
import type { Namespace } from "../kubernetes/namespace.js";
import type { Sandbox } from "../model/sandbox.js";
import {
  surplusFailed,
  verdict,
  type Ages,
  type Failed,
  type MostFailed,
  type ReapReason,
  type ReapRules,
} from "../model/timeouts.js";
import { unseenSeconds, type ActivityLog } from "./activity.js";
import { isLive, type Directory } from "./directory.js";
import type { Endpoints } from "./endpoints.js";
import type { HandOverClient } from "./hand-over.js";
import type { Metrics } from "./metrics.js";
import type { Tokens } from "./tokens.js";

/** What reaping needs. */
export interface ReaperParts {
  readonly namespace: Namespace;
  readonly directory: Directory;
  readonly activity: ActivityLog;
  readonly endpoints: Endpoints;
  readonly handOver: HandOverClient;
  readonly tokens: Tokens;
  readonly metrics: Metrics;
  readonly rules: ReapRules;
  readonly mostFailed: MostFailed;
  /** Sandboxes that stand in the way of another one with their id. */
  readonly duplicates: () => readonly Sandbox[];
  readonly handedOver: (sandbox: Sandbox) => boolean;
  readonly onReaped: (sandbox: Sandbox, reason: ReapReason) => void;
  readonly onTrouble: (sandbox: Sandbox, error: unknown) => void;
}

/** How long a sandbox that answers may wait for its hand-over: whoever was to do it is gone. */
const handOverSeconds = 60;
/**
 * How long a sandbox has to say when it was used last, how often it is asked, and for how long it may let that pass: user code may
 * take all of its processor for longer than one of its readiness probes waits.
 */
const idleAskedMs = 3_000;
const askAgainSeconds = 10;
const silentSeconds = 60;
/** So many are asked in a round: to a replica that has just begun to lead, all that there are may be in doubt. */
const mostAsked = 50;
/** How long two pods of one id are left to the replicas that claimed them. */
const duplicateSeconds = 5;

/** Reaps. */
export class Reaper {
  readonly #parts: ReaperParts;
  readonly #deleting = new Set<string>();
  /** Sandboxes that said that they were handed over, or do not say. */
  readonly #asked = new Set<string>();
  /** Sandboxes that do not say when they were used last: since when, and when they were asked last. By age. Seconds. */
  readonly #silent = new Map<string, { readonly since: number; readonly asked: number }>();

  constructor(parts: ReaperParts) {
    this.#parts = parts;
    parts.directory.onChange(({ podUid }, gone) => {
      if (!gone) return;
      this.#asked.delete(podUid);
      this.#silent.delete(podUid);
    });
  }

  /** One round. */
  async reap(): Promise<void> {
    const { directory, activity, rules } = this.#parts;
    const duplicates = new Set(
      this.#parts
        .duplicates()
        .filter((one) => activity.ages(one).claimed > duplicateSeconds)
        .map(({ podUid }) => podUid),
    );
    const inDoubt: Sandbox[] = [];
    const failed: Failed<Sandbox>[] = [];
    const idle: Sandbox[] = [];
    const work = directory.sandboxes().flatMap((sandbox) => {
      const ages = activity.ages(sandbox);
      const reason = duplicates.has(sandbox.podUid) ? "duplicate" : verdict(sandbox, ages, rules);
      if (reason === "idle-timeout") {
        if (this.#isIdle(sandbox, ages) && this.#mayAsk(sandbox, ages)) idle.push(sandbox);
        return [];
      }
      // Whoever is used again and falls silent later has all of its time again.
      this.#silent.delete(sandbox.podUid);
      if (reason !== undefined) return this.#delete(sandbox, reason);
      // Nearly all are neither over nor in doubt: they cost no promise each, every second.
      if (this.#isInDoubt(sandbox, ages)) inDoubt.push(sandbox);
      if (sandbox.state === "failed") failed.push({ sandbox, failed: ages.changed ?? ages.active });
      return [];
    });
    work.push(
      ...surplusFailed(failed, this.#parts.mostFailed).map((sandbox) => this.#delete(sandbox, "failed")),
    );
    const asked = inDoubt.slice(0, mostAsked).map((sandbox) => this.#settleDoubt(sandbox));
    const ended = idle.slice(0, mostAsked).map((sandbox) => this.#endIdle(sandbox));
    await Promise.all([...work, ...asked, ...ended]);
  }

  #isIdle(sandbox: Sandbox, { active } = this.#parts.activity.ages(sandbox)): boolean {
    return active >= (sandbox.idleSeconds ?? Infinity) + unseenSeconds;
  }

  /** Whether one that was silent has had the time to come to itself. */
  #mayAsk({ podUid }: Sandbox, { claimed }: Ages): boolean {
    return claimed >= (this.#silent.get(podUid)?.asked ?? -Infinity) + askAgainSeconds;
  }

  /**
   * Asks one that nobody has used through us when it was used last: its clients may have gone straight to it. Its answer can let it
   * live on, until its soft and its hard timeout at most.
   */
  async #endIdle(sandbox: Sandbox): Promise<void> {
    const { activity, endpoints, handOver, tokens } = this.#parts;
    const { podUid, guarded } = sandbox;
    const origin = endpoints.direct(sandbox);
    if (origin !== undefined) {
      const token = guarded ? tokens.access(sandbox) : undefined;
      const { claimed } = activity.ages(sandbox);
      const since = this.#silent.get(podUid)?.since ?? claimed;
      // Before it is asked: if it goes meanwhile, this goes with it.
      this.#silent.set(podUid, { since, asked: claimed });
      const said = await handOver.idleSeconds(origin, token, AbortSignal.timeout(idleAskedMs));
      if (said === "silent" && claimed - since < silentSeconds) return;
      if (said !== "silent") this.#silent.delete(podUid);
      if (typeof said === "number") activity.noteIdle(sandbox, said);
    }
    // By now it may have been used through us, too.
    if (this.#isIdle(sandbox)) await this.#delete(sandbox, "idle-timeout");
  }

  /** Whether it may be a claim whose claimer died before the hand-over: nobody could use that. */
  #isInDoubt(sandbox: Sandbox, { claimed, changed = claimed }: Ages): boolean {
    if (!isLive(sandbox) || sandbox.state !== "running" || this.#asked.has(sandbox.podUid)) return false;
    return Math.min(claimed, changed) >= handOverSeconds && !this.#parts.handedOver(sandbox);
  }

  /** Asks it, once; its answer can only end itself. */
  async #settleDoubt(sandbox: Sandbox): Promise<void> {
    const { endpoints, handOver, tokens } = this.#parts;
    const origin = endpoints.direct(sandbox);
    if (origin === undefined) return;
    this.#asked.add(sandbox.podUid);
    const told = await handOver.isHandedOver(origin, tokens.claimSecret(sandbox));
    if (told === false) await this.#delete(sandbox, "never-handed-over");
  }

  /** Deletes the pod if it is as we saw it: whoever extended it in between wins. */
  async #delete(sandbox: Sandbox, reason: ReapReason): Promise<void> {
    const { namespace, metrics, onReaped, onTrouble } = this.#parts;
    if (this.#deleting.has(sandbox.podUid)) return;
    this.#deleting.add(sandbox.podUid);
    try {
      await namespace.deletePod(sandbox);
      metrics.reaped(reason);
      onReaped(sandbox, reason);
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) onTrouble(sandbox, error);
    } finally {
      this.#deleting.delete(sandbox.podUid);
    }
  }
}
