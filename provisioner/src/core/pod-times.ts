// How old what is written on pods is, by a clock that does not jump. A time on a pod is compared with the cluster's clock once,
// when it is first seen; from then on, seconds are counted. So no clock that is set while we run, ours or the API server's, ends a
// sandbox that is in use or keeps one that is over.
import type { V1Pod } from "@kubernetes/client-node";

import type { ClusterClock } from "../kubernetes/clock.js";
import type { ChangeListener } from "../kubernetes/watch-cache.js";
import { viewOf, type IdlePod, type Sandbox } from "../model/sandbox.js";
import type { IdleAges } from "../model/pool.js";
import type { Ages } from "../model/timeouts.js";

/** What tells of pods. */
export interface PodSource {
  /** Whether what changes is told as it happens, and not some time later. */
  readonly live: boolean;
  onChange(listener: ChangeListener<V1Pod>): () => void;
}

/** The times that are written on a sandbox and that decide about it. */
export type Deadlines = Pick<Sandbox, "expiresAt" | "hardExpiresAt" | "lastActiveAt">;

/** A time as it is written, and when that is by the steady clock. Milliseconds. */
interface Moment {
  readonly written: number;
  readonly at: number;
}
type Field =
  | "createdAt"
  | "claimedAt"
  | "changedAt"
  | "lastActiveAt"
  | "expiresAt"
  | "hardExpiresAt"
  | "goneBy";
type Moments = Partial<Record<Field, Moment>>;

/** What is written while we watch was written a moment ago, whatever the clocks say: at most so many milliseconds. */
const longestDelayMs = 10_000;
/** From here on, a time that is written is wrong, and the clock was set: it is no delay of ours. Milliseconds. */
const wrongMs = 15_000;

/** Counts the seconds of each pod. */
export class PodTimes {
  readonly #clock: ClusterClock;
  readonly #moments = new Map<string, Moments>();

  constructor(pods: PodSource, clock: ClusterClock) {
    this.#clock = clock;
    pods.onChange((pod, gone) => {
      if (gone) {
        this.#moments.delete(pod.metadata?.uid ?? "");
        return;
      }
      const view = viewOf(pod);
      if (view.kind === "idle") this.#noteIdle(view.pod, pods.live);
      if (view.kind === "sandbox") this.#noteSandbox(view.pod, pods.live);
    });
  }

  /** How old a member of a pool is. Seconds. */
  age(pod: IdlePod): number {
    return this.idleAges(pod).age;
  }

  /** How long everything about a member of a pool has been so. */
  idleAges(pod: IdlePod): IdleAges {
    const { createdAt, changedAt } = this.#moments.get(pod.podUid) ?? this.#noteIdle(pod, false);
    return { age: this.#since(createdAt) ?? 0, changed: this.#since(changedAt) };
  }

  /** How long everything about a sandbox has been so. */
  ages(sandbox: Sandbox): Ages {
    const moments = this.#moments.get(sandbox.podUid) ?? this.#noteSandbox(sandbox, false);
    return {
      claimed: this.#since(moments.claimedAt) ?? 0,
      changed: this.#since(moments.changedAt),
      active: this.#since(moments.lastActiveAt) ?? 0,
      expired: this.#since(moments.expiresAt) ?? 0,
      hardExpired: this.#since(moments.hardExpiresAt) ?? 0,
      overdue: this.#since(moments.goneBy),
    };
  }

  /** When it ends at the latest, as the cluster's clock tells it now: as written, unless that clock was set since. */
  hardEnd(sandbox: Sandbox): Date {
    return this.corrected(sandbox)?.hardExpiresAt ?? sandbox.hardExpiresAt;
  }

  /** What should be written in place of what is, because the cluster's clock was set since; nothing if it was not. */
  corrected(sandbox: Sandbox): Deadlines | undefined {
    const { expired, hardExpired, active } = this.ages(sandbox);
    const now = this.#clock.now().getTime();
    const ago = (seconds: number): Date => new Date(now - seconds * 1000);
    const wrong = (right: number, written: Date): boolean =>
      Math.abs(now - right * 1000 - written.getTime()) > wrongMs;
    if (!wrong(expired, sandbox.expiresAt) && !wrong(hardExpired, sandbox.hardExpiresAt)) return undefined;
    return { expiresAt: ago(expired), hardExpiresAt: ago(hardExpired), lastActiveAt: ago(active) };
  }

  #noteIdle(pod: IdlePod, live: boolean): Moments {
    const moments = this.#of(pod.podUid);
    this.#notePast(moments, "createdAt", pod.createdAt, live);
    this.#notePast(moments, "changedAt", pod.changedAt, live);
    return moments;
  }

  #noteSandbox(sandbox: Sandbox, live: boolean): Moments {
    const moments = this.#of(sandbox.podUid);
    const fresh = moments.claimedAt === undefined && live;
    moments.claimedAt ??= this.#past(sandbox.claimedAt, live);
    this.#notePast(moments, "changedAt", sandbox.changedAt, live);
    this.#noteActivity(moments, sandbox, live);
    // Whoever claimed wrote all times at one moment: how long it may live is between them, whatever clock wrote them.
    const from = fresh ? moments.claimedAt : undefined;
    moments.expiresAt = this.#future(moments.expiresAt, sandbox.expiresAt, from);
    moments.hardExpiresAt = this.#future(moments.hardExpiresAt, sandbox.hardExpiresAt, from);
    this.#noteGoneBy(moments, sandbox.goneBy, live);
    return moments;
  }

  /** A deletion that is told as it happens leaves the pod its grace, whatever the clocks say: it is not overdue already. */
  #noteGoneBy(moments: Moments, time: Date | undefined, live: boolean): void {
    if (time === undefined || moments.goneBy?.written === time.getTime()) return;
    const moment = this.#future(undefined, time, undefined);
    moments.goneBy = live ? { ...moment, at: Math.max(moment.at, this.#clock.steadyMs) } : moment;
  }

  /** A later time on the pod is an activity, unless all its times were corrected. */
  #noteActivity(moments: Moments, { lastActiveAt, hardExpiresAt }: Sandbox, live: boolean): void {
    const { lastActiveAt: known, hardExpiresAt: end } = moments;
    const corrected = end !== undefined && end.written !== hardExpiresAt.getTime();
    if (known === undefined || !corrected) {
      this.#notePast(moments, "lastActiveAt", lastActiveAt, live);
      return;
    }
    const anew = this.#past(lastActiveAt, false);
    moments.lastActiveAt = { ...anew, at: Math.max(anew.at, known.at) };
  }

  #notePast(moments: Moments, field: Field, time: Date | undefined, live: boolean): void {
    if (time !== undefined && moments[field]?.written !== time.getTime())
      moments[field] = this.#past(time, live);
  }

  #past(time: Date, live: boolean): Moment {
    const written = time.getTime();
    const passed = Math.max(0, this.#clock.now().getTime() - written);
    return { written, at: this.#clock.steadyMs - (live ? Math.min(passed, longestDelayMs) : passed) };
  }

  /** A time that was chosen at the moment `from`; unless that is known, now. */
  #future(known: Moment | undefined, time: Date, from: Moment | undefined): Moment {
    const written = time.getTime();
    if (known?.written === written) return known;
    const { written: base, at } = from ?? {
      written: this.#clock.now().getTime(),
      at: this.#clock.steadyMs,
    };
    return { written, at: at + written - base };
  }

  #of(podUid: string): Moments {
    let moments = this.#moments.get(podUid);
    if (moments === undefined) this.#moments.set(podUid, (moments = {}));
    return moments;
  }

  #since(moment: Moment | undefined): number | undefined {
    return moment === undefined ? undefined : (this.#clock.steadyMs - moment.at) / 1000;
  }
}
