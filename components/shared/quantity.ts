// Kubernetes quantities, read into numbers so that they can be compared.
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

/** The amount in base units (cores, bytes), or undefined if `text` is no quantity that is zero or more. */
export function parseQuantity(text: string): number | undefined {
  if (typeof text !== "string") return undefined;
  const found = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(text);
  const factor = factors[found?.[2] ?? "?"];
  return found === null || factor === undefined ? undefined : Number(found[1]) * factor;
}

/** Notes each amount in `lower` that is over its counterpart in `upper`; each side comes with its name for messages. */
export function checkOrder(
  checks: { problem(sentence: string): void },
  [lowerName, lower]: readonly [string, object],
  [upperName, upper]: readonly [string, object],
): void {
  const bounds = upper as Record<string, string | undefined>;
  for (const [field, value] of Object.entries(lower) as [string, string][]) {
    const bound = bounds[field];
    const [amount, most] = [parseQuantity(value), parseQuantity(bound ?? "")];
    if (amount === undefined || most === undefined || amount <= most) continue;
    checks.problem(
      `${lowerName}.${field} is "${value}", but ${upperName}.${field} is "${bound ?? ""}"; lower the one or raise the other`,
    );
  }
}
