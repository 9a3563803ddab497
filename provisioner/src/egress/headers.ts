// Headers of a plain HTTP request or answer without those of one connection and of the proxy itself. Pure.

const hopByHop = new Set([
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

/** The headers that go on, by name; several of one name are a list. `raw` is names and values in turn. */
export function passedOn(raw: readonly string[]): Record<string, string[]> {
  const pairs = raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ""]] : [],
  );
  const named = pairs
    .filter(([name]) => name === "connection")
    .flatMap(([, value]) => value.split(",").map((one) => one.trim().toLowerCase()));
  // Whoever names the length in Connection does not get a request of another length.
  const dropped = new Set([...hopByHop, ...named.filter((name) => name !== "content-length")]);
  const kept: Record<string, string[]> = {};
  for (const [name, value] of pairs) if (!dropped.has(name)) (kept[name] ??= []).push(value);
  return kept;
}
