// What each sandbox has open through the proxy: so many at once, and nothing that its rules have stopped allowing.
import type { Socket } from "node:net";

import type { AddressRange } from "./address.js";
import type { Destination } from "./destination.js";

/** How many connections one sandbox may have open at once. */
export const mostOpen = 256;

/** One connection: where it was meant to go, where it goes, and what ends it. */
export interface EgressConnection {
  readonly destination: Destination;
  address?: AddressRange;
  readonly cut: () => void;
}

/** Open connections by pod. */
export class EgressConnections {
  readonly #pods = new Map<string, Set<EgressConnection>>();

  /** Notes a connection; false when the sandbox has as many as it may. */
  add(podUid: string, connection: EgressConnection): boolean {
    let open = this.#pods.get(podUid);
    if (open === undefined) this.#pods.set(podUid, (open = new Set()));
    if (open.size >= mostOpen) return false;
    open.add(connection);
    return true;
  }

  remove(podUid: string, connection: EgressConnection): void {
    const open = this.#pods.get(podUid);
    open?.delete(connection);
    if (open?.size === 0) this.#pods.delete(podUid);
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
