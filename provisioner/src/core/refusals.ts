// What the egress proxies refused, as they tell it in Events, for whoever follows the sandbox.
import type { CoreV1Event } from "@kubernetes/client-node";
import { z } from "zod";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import { EGRESS_REFUSAL } from "../model/labels.js";

const refusalRecord = z.object({
  host: z.string(),
  port: z.int(),
  reason: z.string(),
  count: z.int(),
});

/** One kind of refusal, once or several times. */
export interface EgressRefusalNotice extends z.infer<typeof refusalRecord> {
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

function noticeOf({ metadata, lastTimestamp }: CoreV1Event): EgressRefusalNotice | undefined {
  try {
    const record = refusalRecord.parse(JSON.parse(metadata.annotations?.[EGRESS_REFUSAL] ?? ""));
    return { ...record, at: new Date(lastTimestamp ?? Date.now()).toISOString() };
  } catch {
    return undefined;
  }
}
