// The statistics of a benchmark: what many measurements of one thing come to. Pure.

/** Several measurements of one thing, in the unit they were taken in. */
export interface Summary {
  readonly n: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

/**
 * The value below which `share` of the measurements lie, linear between the two nearest: what Excel, NumPy and R call by
 * default a percentile (R's type 7).
 * @param share from 0 to 1
 * @throws RangeError when there is no measurement, or one is no number, or the share is out of range
 */
export function percentile(values: readonly number[], share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share is from 0 to 1, not ${share}`);
  if (values.length === 0) throw new RangeError("there is nothing to take a percentile of");
  if (!values.every(Number.isFinite))
    throw new RangeError(`not all of these are numbers: ${values.join(", ")}`);
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? 0;
  return below + (above - below) * (position - Math.floor(position));
}

/** What `values` come to. @throws RangeError when there are none. */
export function summarise(values: readonly number[]): Summary {
  return {
    n: values.length,
    min: percentile(values, 0),
    p50: percentile(values, 0.5),
    p95: percentile(values, 0.95),
    max: percentile(values, 1),
  };
}

/** How many times the reference; undefined where the reference is nothing. */
export function ratio(ours: number, reference: number): number | undefined {
  return reference > 0 ? ours / reference : undefined;
}
