// Fills in defaults.

/** `given` over `defaults`: a field that is absent or undefined in `given` keeps its default. */
export function over<T extends object>(
  defaults: T,
  given: { [K in keyof T]?: T[K] | undefined } | undefined,
): T {
  const stated = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(stated) as Partial<T>) };
}
