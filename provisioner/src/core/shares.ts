// What all tenants share, such as memory: so much of it in all, and so much for any one of them, so that none can take all of it
// from the others.

/** How much there is. */
export interface Most {
  readonly inAll: number;
  readonly ofTenant: number;
}

/** Hands out parts. */
export class Shares {
  readonly most: Most;
  readonly #taken = new Map<string, number>();
  #inAll = 0;

  constructor(most: Most) {
    this.most = most;
  }

  /**
   * Takes so much for a tenant.
   * @returns what gives it back, or undefined when there is not so much left
   */
  take(tenant: string, amount = 1): (() => void) | undefined {
    const taken = this.#taken.get(tenant) ?? 0;
    if (taken + amount > this.most.ofTenant || this.#inAll + amount > this.most.inAll) return undefined;
    this.#add(tenant, amount);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#add(tenant, -amount);
    };
  }

  #add(tenant: string, amount: number): void {
    this.#inAll += amount;
    const taken = (this.#taken.get(tenant) ?? 0) + amount;
    if (taken === 0) this.#taken.delete(tenant);
    else this.#taken.set(tenant, taken);
  }
}
