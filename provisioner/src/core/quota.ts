// What a tenant may have at once.
import { bytesAsQuantity, parseQuantity } from "../model/quantity.js";
import type { PodFacts } from "../model/sandbox.js";

/** The most of each that a tenant may have; absent: no limit of ours. */
export interface Quota {
  readonly sandboxes?: number | undefined;
  /** Cores, as the sum of limits. */
  readonly cpu?: number | undefined;
  /** Bytes, as the sum of limits. */
  readonly memory?: number | undefined;
}

/** Whether there is any limit: without one, nothing has to be added up. */
export function isLimited(quota: Quota): boolean {
  return Object.values(quota).some((most) => most !== undefined);
}

/** What a pod of a tenant takes of its quota. */
export interface Use {
  readonly limits: PodFacts["limits"];
  /** Whether it is being deleted, so that it takes nothing in a moment. */
  readonly ending: boolean;
}

/** What pods may use together. */
export interface Usage {
  readonly sandboxes: number;
  readonly cpu: number;
  readonly memory: number;
}

/** Adds up limits. */
export function usageOf(limits: readonly PodFacts["limits"][]): Usage {
  const sum = (field: string): number =>
    limits.reduce((total, one) => total + (parseQuantity(one[field] ?? "0") ?? 0), 0);
  // Sums of fractions have noise at their end: three of 0.1 are not more than 0.3.
  return { sandboxes: limits.length, cpu: Math.round(sum("cpu") * 1e6) / 1e6, memory: sum("memory") };
}

/** What is over the quota, as a sentence, if anything is. */
export function overQuota(usage: Usage, quota: Quota): string | undefined {
  for (const field of ["sandboxes", "cpu", "memory"] as const) {
    const most = quota[field];
    if (most === undefined || usage[field] <= most) continue;
    const shown = field === "memory" ? bytesAsQuantity : String;
    return `the quota of ${field} is ${shown(most)}, and with this one there would be ${shown(usage[field])}; delete a sandbox or ask for more`;
  }
  return undefined;
}
