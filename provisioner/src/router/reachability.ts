// Whether what is open to a sandbox can still come to anything. When a node is lost nobody says so: what was sent to it is sent
// again and again, and the caller would wait until Kubernetes evicts the pod, minutes later.
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { connectTimeoutMs } from "../core/connections.js";
import type { Way } from "../core/endpoints.js";

/** When it is looked, and how often in vain until a sandbox is taken for unreachable. */
export interface LookPlan {
  readonly everyMs: number;
  /** After one in vain. */
  readonly againMs: number;
  readonly inVain: number;
}

const plan: LookPlan = { everyMs: 10_000, againMs: 1_000, inVain: 3 };

/** Errors that say that nobody is there; a connection that is refused or reset says that somebody is. */
const nobody = new Set(["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"]);

/** Whether the other end of a way takes a connection or refuses one: something is there in either case. */
export function isReached({ address, port }: Way, timeoutMs = connectTimeoutMs): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: timeoutMs });
    const end = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once("connect", () => {
      end(true);
    });
    socket.once("timeout", () => {
      end(false);
    });
    socket.once("error", ({ code = "" }: NodeJS.ErrnoException) => {
      end(!nobody.has(code));
    });
  });
}

interface Watched {
  open: number;
  readonly over: AbortController;
}

/** Looks at pods for as long as something is open to them. */
export class Reachability {
  readonly #lost: (podUid: string) => void;
  readonly #reached: (way: Way) => Promise<boolean>;
  readonly #plan: LookPlan;
  readonly #pods = new Map<string, Watched>();

  /** @param lost told of a pod that cannot be reached: it is to end what is open */
  constructor(
    lost: (podUid: string) => void,
    reached: (way: Way) => Promise<boolean> = isReached,
    plans = plan,
  ) {
    this.#lost = lost;
    this.#reached = reached;
    this.#plan = plans;
  }

  /**
   * Notes something open.
   * @param wayTo where the sandbox's own server is: users' servers may take no connections for a while
   * @returns what takes it off the books again
   */
  open(podUid: string, wayTo: () => Way | undefined): () => void {
    let pod = this.#pods.get(podUid);
    if (pod === undefined) {
      this.#pods.set(podUid, (pod = { open: 0, over: new AbortController() }));
      void this.#watch(podUid, wayTo, pod.over.signal);
    }
    const watched = pod;
    watched.open += 1;
    return () => {
      watched.open -= 1;
      if (watched.open > 0) return;
      watched.over.abort();
      if (this.#pods.get(podUid) === watched) this.#pods.delete(podUid);
    };
  }

  async #watch(podUid: string, wayTo: () => Way | undefined, over: AbortSignal): Promise<void> {
    const { everyMs, againMs, inVain } = this.#plan;
    let missed = 0;
    while (await pause(missed === 0 ? everyMs : againMs, over)) {
      const way = wayTo();
      missed = way === undefined || (await this.#reached(way)) ? 0 : missed + 1;
      if (missed < inVain) continue;
      missed = 0;
      if (!over.aborted) this.#lost(podUid);
    }
  }
}

/** Whether it was not over before. */
function pause(ms: number, over: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal: over, ref: false }).catch(() => false);
}
