// The environments that sandboxes are made from: ConfigMaps of the namespace, and the one of SANDBOX_IMAGE.
import type { V1ConfigMap } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import { readEnvironment, type Environment } from "../model/environment.js";
import { ENVIRONMENT } from "../model/labels.js";

/** What a ConfigMap said when it could last be read. */
interface Definition {
  readonly configMap: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly environment: Environment;
  /** Whether the ConfigMap says so now, and not before a change that cannot be read. */
  readonly current: boolean;
}

/** Follows the ConfigMaps. */
export class Environments {
  /** By ConfigMap: while one is renamed, two define the same environment, and the end of one must not end what the other defines. */
  readonly #definitions = new Map<string, Definition>();
  #byName: ReadonlyMap<string, Environment> = new Map();
  readonly #builtIn: Environment | undefined;
  readonly #listeners = new Set<(name: string) => void>();

  /** @param refuse told of every record that cannot be used, with a sentence that says why */
  constructor(
    configMaps: Pick<WatchCache<V1ConfigMap>, "onChange">,
    builtIn: Environment | undefined,
    refuse: (configMap: string, why: string) => void,
  ) {
    this.#builtIn = builtIn;
    configMaps.onChange((configMap, gone) => {
      const name = configMap.metadata?.name ?? "";
      if (gone) this.#definitions.delete(name);
      else {
        const labelled = configMap.metadata?.labels?.[ENVIRONMENT] ?? "";
        const read = readEnvironment(labelled, configMap.data?.["environment.json"]);
        if (typeof read === "string") refuse(name, read);
        this.#define(name, configMap, read);
      }
      this.#derive();
    });
  }

  get(name: string): Environment | undefined {
    return this.#byName.get(name) ?? (this.#builtIn?.name === name ? this.#builtIn : undefined);
  }

  /** All of them, by name. */
  all(): Environment[] {
    const all = new Map(this.#byName);
    if (this.#builtIn !== undefined && !all.has(this.#builtIn.name))
      all.set(this.#builtIn.name, this.#builtIn);
    return [...all.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  onChange(listener: (name: string) => void): void {
    this.#listeners.add(listener);
  }

  #define(name: string, { metadata }: V1ConfigMap, read: Environment | string): void {
    const known = this.#definitions.get(name);
    if (typeof read !== "string") {
      const createdAt = new Date(metadata?.creationTimestamp ?? 0).getTime();
      this.#definitions.set(name, { configMap: name, createdAt, environment: read, current: true });
    } else if (known !== undefined) {
      // The last good record stays: a mistake in a change must not take an environment away.
      this.#definitions.set(name, { ...known, current: false });
    }
  }

  #derive(): void {
    const before = this.#byName;
    const after = new Map<string, Environment>();
    for (const { environment } of [...this.#definitions.values()].sort(byPrecedence))
      if (!after.has(environment.name)) after.set(environment.name, environment);
    this.#byName = after;
    for (const name of new Set([...before.keys(), ...after.keys()]))
      if (before.get(name) !== after.get(name)) for (const listener of this.#listeners) listener(name);
  }
}

/**
 * Of two ConfigMaps that define the same environment, the older one counts, so that all replicas take the same one; but none that
 * cannot be read: a replica that has started since does not know what it said.
 */
function byPrecedence(one: Definition, other: Definition): number {
  if (one.current !== other.current) return one.current ? -1 : 1;
  return one.createdAt - other.createdAt || (one.configMap < other.configMap ? -1 : 1);
}
