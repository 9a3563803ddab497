// Headers of a plain HTTP request or answer without those of one connection and of the proxy itself. Pure.
import { hopByHop, nominatedIn, pairsOf } from "../http/connection-headers.js";

/** The headers that go on, by name; several of one name are a list. `raw` is names and values in turn. */
export function passedOn(raw: readonly string[]): Record<string, string[]> {
  const pairs = pairsOf(raw);
  const nominated = nominatedIn(pairs);
  // Whoever names the length in Connection does not get a request of another length.
  nominated.delete("content-length");
  const kept: Record<string, string[]> = {};
  for (const [name, value] of pairs)
    if (!hopByHop.has(name) && !nominated.has(name)) (kept[name] ??= []).push(value);
  return kept;
}
