// Kubernetes quantities as numbers, to add up what a tenant uses and to compare what is asked for.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The amount in base units (cores, bytes), or undefined if `text` is no quantity. */
export function parseQuantity(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(text);
  const factor = factors[found?.[2] ?? "?"];
  if (found === null || factor === undefined) return undefined;
  // 4100 * 1e-3 is not 4.1, 4100 / 1000 is.
  return factor < 1 ? Number(found[1]) / (1 / factor) : Number(found[1]) * factor;
}

/** Bytes as people write them: in the largest unit that they are a whole number of. */
export function bytesAsQuantity(bytes: number): string {
  const unit = ["Ti", "Gi", "Mi", "Ki"].find((name) => bytes > 0 && bytes % (factors[name] ?? 1) === 0);
  return unit === undefined ? String(bytes) : `${bytes / (factors[unit] ?? 1)}${unit}`;
}
