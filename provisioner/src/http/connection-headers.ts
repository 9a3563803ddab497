// Headers that belong to one connection and go no further (RFC 9110, 7.6.1): what router and egress proxy both leave out. Pure.

/** Those that always do, and those that a proxy must make anew. */
export const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers as they came, names and values in turn, as pairs; names in lower case. */
export function pairsOf(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2)
    pairs.push([(raw[index] ?? "").toLowerCase(), raw[index + 1] ?? ""]);
  return pairs;
}

/** The names that values of `Connection` add. */
export function nominatedBy(connection: readonly string[]): Set<string> {
  return new Set(connection.flatMap((value) => value.split(",").map((name) => name.trim().toLowerCase())));
}

/** The names that the `Connection` headers among `pairs` add. */
export function nominatedIn(pairs: readonly (readonly [string, string])[]): Set<string> {
  return nominatedBy(pairs.filter(([name]) => name === "connection").map(([, value]) => value));
}
