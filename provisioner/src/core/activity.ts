// When each sandbox was last used: noted in memory for every use, written on the pod now and then, so that the replica that
// reaps knows what the others saw.
import type { ClusterClock } from "../kubernetes/clock.js";
import type { Namespace } from "../kubernetes/namespace.js";
import { add, escaped } from "../model/claim.js";
import { LAST_ACTIVE_AT } from "../model/labels.js";
import type { Sandbox } from "../model/sandbox.js";
import type { Ages } from "../model/timeouts.js";
import type { Directory } from "./directory.js";
import type { PodTimes } from "./pod-times.js";

/** The part that others need. */
export interface Activity {
  touch(sandbox: Pick<Sandbox, "podUid">): void;
}

/** Seconds for which an activity may stay unwritten, if the idle timeout is not shorter. */
const longestUnwritten = 60;
/** So long before what is written would end a sandbox, every activity is written. Seconds. */
const nearEnd = 10;
/** Less of a difference to what is written is none. Seconds. */
const sameActivity = 1;

/** How often it is looked for what is to be written. Milliseconds. */
export const flushEveryMs = 2_000;
/** How long after its idle timeout a sandbox lives: another replica may have seen a use that we see once it is written. Seconds. */
export const unseenSeconds = 5;

/** Notes activity. */
export class ActivityLog implements Activity {
  /** Of every sandbox that there is, by the clock that does not jump; -Infinity until we see any. Milliseconds. */
  readonly #last = new Map<string, number>();
  readonly #directory: Directory;
  readonly #times: PodTimes;
  readonly #clock: ClusterClock;

  constructor(directory: Directory, times: PodTimes, clock: ClusterClock) {
    this.#directory = directory;
    this.#times = times;
    this.#clock = clock;
    directory.onChange(({ podUid }, gone) => {
      if (gone) this.#last.delete(podUid);
      else if (!this.#last.has(podUid)) this.#last.set(podUid, -Infinity);
    });
  }

  /** What is open to a sandbox that has gone ends after it: nothing is noted of that. */
  touch(sandbox: Pick<Sandbox, "podUid">): void {
    this.noteIdle(sandbox, 0);
  }

  /** Notes that it was used so many seconds ago, unless a later use is known. */
  noteIdle({ podUid }: Pick<Sandbox, "podUid">, seconds: number): void {
    const known = this.#last.get(podUid);
    if (known !== undefined) this.#last.set(podUid, Math.max(known, this.#clock.steadyMs - seconds * 1000));
  }

  /** How old everything about it is, with the latest activity that is known. */
  ages(sandbox: Sandbox): Ages {
    const ages = this.#times.ages(sandbox);
    return { ...ages, active: Math.min(ages.active, this.#idleHere(sandbox)) };
  }

  /** For how long we have seen no activity. Seconds. */
  #idleHere({ podUid }: Sandbox): number {
    return (this.#clock.steadyMs - (this.#last.get(podUid) ?? -Infinity)) / 1000;
  }

  /**
   * Writes down what has gone unwritten for a quarter of the idle timeout, or for a minute; and what has not, where the replica that
   * reaps would take the sandbox for idle without it.
   */
  flush(namespace: Namespace): Promise<void> {
    return this.#write(namespace, (written, idleSeconds) =>
      written >= idleSeconds - nearEnd ? sameActivity : longestUnwritten,
    );
  }

  /** Writes down all that has gone unwritten: of whoever ends, nobody sees it any more. */
  flushAll(namespace: Namespace): Promise<void> {
    return this.#write(namespace, () => sameActivity);
  }

  /** @param enough how much later than what is written, which is so old, an activity has to be; never more than a quarter of the idle timeout */
  async #write(
    namespace: Namespace,
    enough: (written: number, idleSeconds: number) => number,
  ): Promise<void> {
    const due = this.#directory.sandboxes().filter((sandbox) => {
      const { idleSeconds } = sandbox;
      if (idleSeconds === undefined || sandbox.state === "stopping") return false;
      const written = this.#times.ages(sandbox).active;
      const ahead = written - this.#idleHere(sandbox);
      return ahead >= Math.min(enough(written, idleSeconds), idleSeconds / 4);
    });
    const written = due.map((sandbox) =>
      namespace.patchPod(sandbox.podName, [
        { op: "test", path: "/metadata/uid", value: sandbox.podUid },
        add(`/metadata/annotations/${escaped(LAST_ACTIVE_AT)}`, this.#lastActiveAt(sandbox)),
      ]),
    );
    await Promise.allSettled(written);
  }

  #lastActiveAt(sandbox: Sandbox): string {
    return new Date(this.#clock.now().getTime() - this.#idleHere(sandbox) * 1000).toISOString();
  }
}
