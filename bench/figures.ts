// A figure of a benchmark, its reference beside it, and how a table of them reads. Pure.
import { ratio } from "./statistics.js";

/** What a figure counts: milliseconds, bytes, or things. */
export type Unit = "ms" | "bytes" | "count";

/** One row: ours against a reference taken in the same run. */
export interface Figure {
  readonly figure: string;
  readonly unit: Unit;
  readonly ours: number;
  /** Absent for a part of something whose whole has one. */
  readonly reference?: number;
  /** What the reference is. */
  readonly against: string;
}

/** A figure as programs read it. */
export type FigureRecord = Figure & { readonly ratio?: number };

/** The figures as programs read them, ratios included. */
export function records(figures: readonly Figure[]): FigureRecord[] {
  return figures.map((each) => {
    const times = each.reference === undefined ? undefined : ratio(each.ours, each.reference);
    return times === undefined ? each : { ...each, ratio: times };
  });
}

/** A value for people: three digits that matter. */
export function formatValue(value: number, unit: Unit): string {
  if (unit === "count") return digits(value);
  if (unit === "bytes") return `${digits(value / 1024 ** 2)} MiB`;
  return Math.abs(value) < 1000 ? `${digits(value)} ms` : `${digits(value / 1000)} s`;
}

function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** The figures as a table. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = records(figures).map(({ figure, unit, ours, reference, ratio: times, against }) => [
    figure,
    formatValue(ours, unit),
    reference === undefined ? "" : formatValue(reference, unit),
    times === undefined ? "" : `${digits(times)}×`,
    against,
  ]);
  const header = ["figure", "ours", "reference", "ratio", "what the reference is"];
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column === row.length - 1 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "─".repeat(width))), ...rows.map(line)].join("\n");
}
