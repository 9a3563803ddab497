// What is open to each sandbox: connections that are used again, requests and tunnels that end when the sandbox does. An idle pod has
// one as well: it is handed over by that, and the first command takes the same.
import { Agent } from "undici";

import type { Sandbox } from "../model/sandbox.js";
import { type Most, Shares } from "./shares.js";

/** How many requests and tunnels one sandbox may have open at once. */
export const mostOpen = 256;

/**
 * How many all sandboxes and those of one tenant may have open at once. The provisioner has 512Mi and takes some 160 MB without any;
 * a tunnel whose data nobody takes holds 0.15 MB, a request that waits for its answer much less.
 */
export const mostShared: Most = { inAll: 1_600, ofTenant: 1_000 };

/** How long a connection to a sandbox may take. Milliseconds. */
export const connectTimeoutMs = 3000;

/** Ends something open. `unreachable`: not because its pod has gone, but because nothing leads to it any more. */
type End = (why?: "unreachable") => void;

interface SandboxConnections {
  readonly agent: Agent;
  readonly cuts: Set<End>;
}

/**
 * Everything open, by pod. An address can belong to another pod later, so nothing is ever shared between two pods, and what
 * was open to one that has gone is cut.
 */
export class Connections {
  readonly #pods = new Map<string, SandboxConnections>();
  readonly #shares = new Shares(mostShared);

  /**
   * Notes something open; `cut` ends it.
   * @returns what takes it off the books again, or undefined when the sandbox, its tenant or all have as much open as they may
   */
  open(
    { podUid, tenant }: Pick<Sandbox, "podUid" | "tenant">,
    cut: End,
  ): { agent: Agent; release: () => void } | undefined {
    const { agent, cuts } = this.#of(podUid);
    const giveBack = cuts.size >= mostOpen ? undefined : this.#shares.take(tenant);
    if (giveBack === undefined) return undefined;
    cuts.add(cut);
    const release = (): void => {
      giveBack();
      cuts.delete(cut);
    };
    return { agent, release };
  }

  /** What requests of our own go by, which do not count as open. */
  agent(podUid: string): Agent {
    return this.#of(podUid).agent;
  }

  /** Cuts all that is open to a pod and forgets it. */
  end(podUid: string, why?: "unreachable"): void {
    const pod = this.#pods.get(podUid);
    if (pod === undefined) return;
    this.#pods.delete(podUid);
    for (const cut of [...pod.cuts]) cut(why);
    void pod.agent.destroy();
  }

  /** Cuts everything. */
  endAll(): void {
    for (const podUid of [...this.#pods.keys()]) this.end(podUid);
  }

  #of(podUid: string): SandboxConnections {
    let pod = this.#pods.get(podUid);
    if (pod === undefined) this.#pods.set(podUid, (pod = { agent: newAgent(), cuts: new Set() }));
    return pod;
  }
}

/** Answers may take as long as commands do, so only connecting has a limit. The server in a sandbox keeps idle ones for 2 min. */
function newAgent(): Agent {
  return new Agent({
    connect: { timeout: connectTimeoutMs, keepAlive: true },
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 60_000,
  });
}
