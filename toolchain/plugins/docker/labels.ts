// Labels: a list of pairs for Pulumi, a map for Docker.
import type { Properties, Value } from "../provider/values.js";

/** One label as an argument has it. */
export interface Label {
  label: string;
  value: string;
}

/** Docker's map of the labels. */
export function toLabelMap(labels: readonly Label[] | undefined): Record<string, string> {
  return Object.fromEntries((labels ?? []).map(({ label, value }) => [label, value]));
}

/** The list of pairs, sorted by label. */
export function fromLabelMap(labels: Record<string, string> | null | undefined): Value[] {
  return Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]): Properties => ({ label, value }));
}
