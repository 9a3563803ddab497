// Settings that are left open.

/** Leaves out what is undefined, so that a component's default holds. */
export function given<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
