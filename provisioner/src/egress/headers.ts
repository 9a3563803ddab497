// Headers of a plain HTTP request or answer without those of one connection and of the proxy itself. Pure.
import { hopByHop, nominatedIn, pairsOf } from "../http/connection-headers.js";

/** The headers that go on, by name; several of one name are a list. `raw` is names and values in turn. */
export function passedOn(raw: readonly string[]): Record<string, string[]> {
  const pairs = pairsOf(raw);
  const nominated = nominatedIn(pairs);
  // Whoever names the length in Connection does not get a request of another length.
  nominated.delete("content-length");
  // A map, because a header may be called "constructor" or "__proto__", which every plain object has.
  const kept = new Map<string, string[]>();
  for (const [name, value] of pairs)
    if (!hopByHop.has(name) && !nominated.has(name)) kept.set(name, [...(kept.get(name) ?? []), value]);
  return Object.fromEntries(kept);
}
