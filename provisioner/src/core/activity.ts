// When each sandbox was last used: noted in memory for every use, written on the pod now and then, so that the replica that
// reaps knows what the others saw.
import type { Namespace } from "../kubernetes/namespace.js";
import { add, escaped } from "../model/claim.js";
import { LAST_ACTIVE_AT } from "../model/labels.js";
import type { Sandbox } from "../model/sandbox.js";
import type { Directory } from "./directory.js";

/** The part that others need. */
export interface Activity {
  touch(sandbox: Pick<Sandbox, "podUid">): void;
}

/** Seconds for which an activity may stay unwritten, if the idle timeout is not shorter. */
const longestUnwritten = 60;

/** Notes activity. */
export class ActivityLog implements Activity {
  readonly #last = new Map<string, number>();
  readonly #directory: Directory;

  constructor(directory: Directory) {
    this.#directory = directory;
    directory.onChange(({ podUid }, gone) => {
      if (gone) this.#last.delete(podUid);
    });
  }

  touch({ podUid }: Pick<Sandbox, "podUid">): void {
    this.#last.set(podUid, Date.now());
  }

  /** The latest that is known. */
  lastActiveAt(sandbox: Sandbox): Date {
    return new Date(Math.max(sandbox.lastActiveAt.getTime(), this.#last.get(sandbox.podUid) ?? 0));
  }

  /** Writes down what has gone unwritten for a quarter of the idle timeout, or for a minute. */
  async flush(namespace: Namespace): Promise<void> {
    const due = this.#directory.sandboxes().filter((sandbox) => {
      if (!this.#last.has(sandbox.podUid)) return false;
      if (sandbox.idleSeconds === undefined || sandbox.state === "stopping") return false;
      const ahead = (this.lastActiveAt(sandbox).getTime() - sandbox.lastActiveAt.getTime()) / 1000;
      return ahead >= Math.min(longestUnwritten, sandbox.idleSeconds / 4);
    });
    const written = due.map((sandbox) =>
      namespace.patchPod(sandbox.podName, [
        { op: "test", path: "/metadata/uid", value: sandbox.podUid },
        add(`/metadata/annotations/${escaped(LAST_ACTIVE_AT)}`, this.lastActiveAt(sandbox).toISOString()),
      ]),
    );
    await Promise.allSettled(written);
  }
}
