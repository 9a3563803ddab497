// Whether there is room for one more sandbox: the tenant's quota, and the pods that there may be. Creates that are under way count.
import { setTimeout as sleep } from "node:timers/promises";

import type { SandboxRequest } from "../model/claim.js";
import type { Environment } from "../model/environment.js";
import type { Arrivals } from "./arrivals.js";
import { isLive, rankKey, type Directory } from "./directory.js";
import { full, SandboxError } from "./errors.js";
import { isLimited, overQuota, usageOf, type Quota, type Use } from "./quota.js";
import type { SandboxPods } from "./sandbox-pods.js";

/** What reserving needs. */
export interface ReservationsParts {
  readonly directory: Directory;
  readonly arrivals: Arrivals;
  readonly sandboxPods: SandboxPods;
  /** What the tenant has, or will have in a moment, in other clusters, for its quota. */
  readonly elsewhere: (tenant: string) => readonly Use[];
  readonly maxSandboxes: number;
}

/** How often it is looked whether pods that are being deleted have left room. */
const endingMs = 100;

/** Keeps room for creates that are under way. */
export class Reservations {
  readonly #parts: ReservationsParts;
  /** What creates that are under way will use, for quotas. */
  readonly #reserved = new Map<string, { tenant: string; limits: Use["limits"] }>();
  /** How many creates of each tenant wait for pods of it that are being deleted. */
  readonly #waiting = new Map<string, number>();

  constructor(parts: ReservationsParts) {
    this.#parts = parts;
  }

  /** Whether there are as many pods as there may be, those that are on their way among them. */
  get full(): boolean {
    const { directory, arrivals, maxSandboxes } = this.#parts;
    return directory.count() + arrivals.count >= maxSandboxes;
  }

  /** What the tenant's sandboxes here use, those that are about to come among them. Failed ones use nothing. */
  usesOf(tenant: string): Use[] {
    const used = this.#parts.directory.ofTenant(tenant);
    const live = used.filter((one) => isLive(one) && !this.#reserved.has(rankKey(tenant, one.id)));
    const coming = [...this.#reserved.values()].filter((one) => one.tenant === tenant);
    // One whose node is lost may stay, but is nothing that anybody uses.
    const ending = used.filter((one) => one.state === "stopping" && !this.#parts.sandboxPods.isStuck(one));
    return [
      ...[...live, ...coming].map(({ limits }) => ({ limits, ending: false })),
      ...ending.map(({ limits }) => ({ limits, ending: true })),
    ];
  }

  /**
   * Keeps room until {@link release}. Pods that are being deleted count: whoever creates and deletes in a circle would otherwise have
   * far more of them than its share. A create that only these leave no room for waits for them.
   * @throws SandboxError if the tenant or the cluster has its share.
   */
  async reserve(
    { tenant, id }: SandboxRequest,
    environment: Environment,
    quota: Quota,
    deadline: AbortSignal,
  ): Promise<void> {
    const { directory, elsewhere } = this.#parts;
    const limits = environment.resources.limits;
    const over = (uses: readonly Use[]): string | undefined =>
      overQuota(usageOf([...uses.map((use) => use.limits), limits]), quota);
    while (isLimited(quota)) {
      const uses = [...this.usesOf(tenant), ...elsewhere(tenant)];
      const problem = over(uses);
      if (problem === undefined) break;
      const staying = uses.filter(({ ending }) => !ending);
      const waiting = this.#waiting.get(tenant) ?? 0;
      // No more wait than may find room, so that a crowd of them costs a tenant's neighbours nothing.
      const inVain = over(staying) !== undefined || waiting >= uses.length - staying.length;
      if (inVain || deadline.aborted) throw new SandboxError("quota", problem);
      this.#waiting.set(tenant, waiting + 1);
      await sleep(endingMs, undefined, { signal: deadline }).catch(() => undefined);
      this.#waiting.set(tenant, (this.#waiting.get(tenant) ?? 1) - 1);
    }
    if (directory.idle(environment.name).length === 0 && this.full) throw full();
    this.#reserved.set(rankKey(tenant, id), { tenant, limits });
  }

  /** To be called when the create has ended, whether or not it came to {@link reserve}. */
  release({ tenant, id }: SandboxRequest): void {
    this.#reserved.delete(rankKey(tenant, id));
  }
}
