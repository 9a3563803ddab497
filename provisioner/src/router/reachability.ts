// Whether what is open to a sandbox can still come to anything. When a node is lost nobody says so: what was sent to it is sent
// again and again, and the caller would wait until Kubernetes evicts the pod, minutes later.
import { connect } from "node:net";

import { connectTimeoutMs } from "../core/connections.js";
import type { Way } from "../core/endpoints.js";

/** When it is looked, and how often in vain until a sandbox is taken for unreachable. */
interface LookPlan {
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
  readonly wayTo: () => Way | undefined;
  dueAt: number;
  missed: number;
  looking: boolean;
}

/** Looks at pods for as long as something is open to them. */
export class Reachability {
  readonly #lost: (podUid: string) => void;
  readonly #reached: (way: Way) => Promise<boolean>;
  readonly #plan: LookPlan;
  readonly #pods = new Map<string, Watched>();
  /** One for all: most requests are over before anything is due. */
  readonly #timer: NodeJS.Timeout;

  /** @param lost told of a pod that cannot be reached: it is to end what is open */
  constructor(
    lost: (podUid: string) => void,
    reached: (way: Way) => Promise<boolean> = isReached,
    looks = plan,
  ) {
    this.#lost = lost;
    this.#reached = reached;
    this.#plan = looks;
    this.#timer = setInterval(() => {
      this.#lookAtDue();
    }, looks.againMs).unref();
  }

  /**
   * Notes something open.
   * @param wayTo where the sandbox's own server is: users' servers may take no connections for a while
   * @returns what takes it off the books again
   */
  open(podUid: string, wayTo: () => Way | undefined): () => void {
    let pod = this.#pods.get(podUid);
    if (pod === undefined) {
      const dueAt = performance.now() + this.#plan.everyMs;
      this.#pods.set(podUid, (pod = { open: 0, wayTo, dueAt, missed: 0, looking: false }));
    }
    const watched = pod;
    watched.open += 1;
    return () => {
      watched.open -= 1;
      if (watched.open === 0) this.#pods.delete(podUid);
    };
  }

  /** Looks no more. */
  close(): void {
    clearInterval(this.#timer);
  }

  #lookAtDue(): void {
    const now = performance.now();
    for (const [podUid, pod] of this.#pods)
      if (!pod.looking && pod.dueAt <= now) void this.#look(podUid, pod);
  }

  async #look(podUid: string, pod: Watched): Promise<void> {
    const { everyMs, againMs, inVain } = this.#plan;
    pod.looking = true;
    const way = pod.wayTo();
    pod.missed = way === undefined || (await this.#reached(way)) ? 0 : pod.missed + 1;
    pod.looking = false;
    pod.dueAt = performance.now() + (pod.missed === 0 ? everyMs : againMs);
    if (pod.missed < inVain) return;
    pod.missed = 0;
    if (pod.open > 0) this.#lost(podUid);
  }
}
