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

/** Notes activity. */
export class ActivityLog implements Activity {
  /** By the clock that does not jump. Milliseconds. */
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
    });
  }

  touch({ podUid }: Pick<Sandbox, "podUid">): void {
    this.#last.set(podUid, this.#clock.steadyMs);
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

  /** Writes down what has gone unwritten for a quarter of the idle timeout, or for a minute. */
  async flush(namespace: Namespace): Promise<void> {
    const due = this.#directory.sandboxes().filter((sandbox) => {
      if (!this.#last.has(sandbox.podUid)) return false;
      if (sandbox.idleSeconds === undefined || sandbox.state === "stopping") return false;
      const ahead = this.#times.ages(sandbox).active - this.#idleHere(sandbox);
      return ahead >= Math.min(longestUnwritten, sandbox.idleSeconds / 4);
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
