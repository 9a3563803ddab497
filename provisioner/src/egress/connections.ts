// What each sandbox has open through the proxy: so many at once, and nothing that its rules have stopped allowing.
import type { Socket } from "node:net";

import { type Most, Shares } from "../core/shares.js";
import type { AddressRange } from "./address.js";
import type { Destination } from "./destination.js";
import type { EgressSandbox } from "./options.js";

/** How many connections one sandbox may have open at once. */
export const mostOpen = 256;

/**
 * How many all sandboxes and those of one tenant may have open at once. The proxy has 256Mi and takes some 95 MB without any; one
 * whose data nobody takes has been measured to hold 0.17 MB.
 */
export const mostShared: Most = { inAll: 800, ofTenant: 600 };

/** One connection: where it was meant to go, where it goes, and what ends it. */
export interface EgressConnection {
  readonly destination: Destination;
  address?: AddressRange;
  readonly cut: () => void;
}

/** Open connections by pod. */
export class EgressConnections {
  readonly #pods = new Map<string, Set<EgressConnection>>();
  readonly #shares = new Shares(mostShared);

  /**
   * Notes a connection.
   * @returns what takes it off the books again, or undefined when the sandbox, its tenant or all have as many as they may
   */
  add(
    { podUid, tenant }: Pick<EgressSandbox, "podUid" | "tenant">,
    connection: EgressConnection,
  ): (() => void) | undefined {
    const open = this.#pods.get(podUid) ?? new Set<EgressConnection>();
    const giveBack = open.size >= mostOpen ? undefined : this.#shares.take(tenant);
    if (giveBack === undefined) return undefined;
    this.#pods.set(podUid, open.add(connection));
    return () => {
      giveBack();
      open.delete(connection);
      if (open.size === 0 && this.#pods.get(podUid) === open) this.#pods.delete(podUid);
    };
  }

  /** Cuts those of a sandbox that `stays` does not hold for. */
  sift(podUid: string, stays: (connection: EgressConnection) => boolean): void {
    for (const connection of [...(this.#pods.get(podUid) ?? [])]) if (!stays(connection)) connection.cut();
  }

  /** Cuts everything. */
  cutAll(): void {
    for (const podUid of [...this.#pods.keys()]) this.sift(podUid, () => false);
  }
}

/** How many connections to the proxy one address may have at once, those that ask for nothing among them. */
export const mostSockets = 2 * mostOpen;

/** Sockets by the address that they come from. */
export class Sockets {
  readonly #count = new Map<string, number>();

  /** Notes a socket until it closes; false, without a note, when the address has as many as it may. */
  add(socket: Socket): boolean {
    const from = socket.remoteAddress ?? "";
    const before = this.#count.get(from) ?? 0;
    if (before >= mostSockets) return false;
    this.#count.set(from, before + 1);
    socket.once("close", () => {
      const left = (this.#count.get(from) ?? 1) - 1;
      if (left === 0) this.#count.delete(from);
      else this.#count.set(from, left);
    });
    return true;
  }
}
