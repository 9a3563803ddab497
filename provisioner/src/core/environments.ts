// The environments that sandboxes are made from: ConfigMaps of the namespace, and the one of SANDBOX_IMAGE.
import type { V1ConfigMap } from "@kubernetes/client-node";

import type { WatchCache } from "../kubernetes/watch-cache.js";
import { readEnvironment, type Environment } from "../model/environment.js";
import { ENVIRONMENT } from "../model/labels.js";

/** Follows the ConfigMaps. */
export class Environments {
  readonly #byName = new Map<string, Environment>();
  readonly #builtIn: Environment | undefined;
  readonly #listeners = new Set<(name: string) => void>();

  /** @param refuse told of every record that cannot be used, with a sentence that says why */
  constructor(
    configMaps: WatchCache<V1ConfigMap>,
    builtIn: Environment | undefined,
    refuse: (configMap: string, why: string) => void,
  ) {
    this.#builtIn = builtIn;
    configMaps.onChange((configMap, gone) => {
      const name = configMap.metadata?.labels?.[ENVIRONMENT] ?? "";
      if (gone) this.#byName.delete(name);
      else {
        const read = readEnvironment(name, configMap.data?.["environment.json"]);
        // The last good record stays: a mistake in a change must not take an environment away.
        if (typeof read === "string") refuse(configMap.metadata?.name ?? "", read);
        else this.#byName.set(name, read);
      }
      for (const listener of this.#listeners) listener(name);
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
}
