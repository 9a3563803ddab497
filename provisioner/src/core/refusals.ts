// What the egress proxies refused, as they tell it in Events, for whoever follows the sandbox.
import type { CoreV1Event } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import { refusalRecord, type RefusalRecord } from "../model/egress-refusals.js";
import { EGRESS_REFUSAL } from "../model/labels.js";

/** One kind of refusal, and when it was. */
export interface EgressRefusalNotice extends RefusalRecord {
  readonly at: string;
}

export type RefusalListener = (notice: EgressRefusalNotice) => void;

/** Passes refusals on, by pod. */
export class RefusalNotices {
  readonly #listeners = new Map<string, Set<RefusalListener>>();

  constructor(events: WatchCache<CoreV1Event> | undefined) {
    events?.onChange((event, gone) => {
      const listeners = this.#listeners.get(event.involvedObject.uid ?? "");
      const notice = gone || listeners === undefined ? undefined : noticeOf(event);
      if (notice !== undefined) for (const listener of listeners ?? []) listener(notice);
    });
  }

  /** Listens for what is refused to a pod from now on, until the returned function is called. */
  onRefusal(podUid: string, listener: RefusalListener): () => void {
    const listeners = this.#listeners.get(podUid) ?? new Set<RefusalListener>();
    this.#listeners.set(podUid, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(podUid);
    };
  }
}

/**
 * Nothing for a record that cannot be read, or has a reason that is not known here: a proxy of another version may have one, and
 * clients are promised those of our document alone. What a proxy refused is in its log and metrics in any case.
 */
function noticeOf({ metadata, lastTimestamp }: CoreV1Event): EgressRefusalNotice | undefined {
  try {
    const record = refusalRecord.parse(JSON.parse(metadata.annotations?.[EGRESS_REFUSAL] ?? ""));
    return { ...record, at: new Date(lastTimestamp ?? Date.now()).toISOString() };
  } catch {
    return undefined;
  }
}
