// The scorers' table, and what they find wrong with our stacks. Pure.
import { exceptions, type Exception } from "./exceptions.js";
import type { Finding, Score } from "./score.js";

/** What one scorer says of each set of manifests, by its name. */
export interface Scores {
  readonly scorer: string;
  readonly scores: Readonly<Record<string, Score>>;
}

/** The name of the set that ours are held against. */
export const referenceName = "reference";

/** Something that a scorer finds wrong with stacks of ours. */
export interface OwnFinding {
  readonly scorer: string;
  readonly check: string;
  readonly message: string;
  readonly objects: readonly string[];
  readonly stacks: readonly string[];
  /** Why it is left so; undefined when nobody has said. */
  readonly reason: string | undefined;
}

/** How a score reads in the table: what failed of how many checks, and the scorer's own verdict. */
export function formatScore({ checks, findings, verdict }: Score): string {
  const failed = `${findings.length} of ${checks}`;
  return verdict === undefined ? failed : `${failed}, ${verdict}`;
}

/** The table: a row for each scorer, a column for each set of manifests. */
export function formatScores(rows: readonly Scores[]): string {
  const names = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores)))];
  const lines = [
    ["checks not passed", ...names],
    ...rows.map(({ scorer, scores }) => [
      scorer,
      ...names.map((name) => (scores[name] === undefined ? "" : formatScore(scores[name]))),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const format = (line: readonly string[]): string =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const [header = [], ...body] = lines;
  return [format(header), widths.map((width) => "─".repeat(width)).join("  "), ...body.map(format)].join(
    "\n",
  );
}

/** What is wrong with our stacks, each check once, those that nobody has accounted for first. */
export function ownFindings(
  rows: readonly Scores[],
  known: readonly Exception[] = exceptions,
): readonly OwnFinding[] {
  const found = rows.flatMap(({ scorer, scores }) =>
    Object.entries(scores).flatMap(([stack, { findings }]) =>
      stack === referenceName ? [] : findings.map((finding) => ({ scorer, stack, finding })),
    ),
  );
  const groups = new Map<string, typeof found>();
  for (const each of found) {
    const key = `${each.scorer} ${each.finding.check}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const { scorer, finding } = first;
      const unique = (of: (each: { stack: string; finding: Finding }) => string): string[] => [
        ...new Set(group.map(of)),
      ];
      const objects = unique((each) => each.finding.object);
      const accountsFor = ({ only, ...each }: Exception): boolean =>
        each.scorer === scorer &&
        each.check === finding.check &&
        (only === undefined || objects.every((object) => nameOf(object) === only));
      return {
        scorer,
        check: finding.check,
        message: finding.message,
        objects,
        stacks: unique((each) => each.stack),
        reason: known.find(accountsFor)?.reason,
      };
    })
    .sort((a, b) => Number(a.reason !== undefined) - Number(b.reason !== undefined));
}

/** The name in `Deployment/name`, or in `Deployment.namespace.name`. */
const nameOf = (object: string): string => object.split(/[/.]/).at(-1) ?? "";

/** The findings for people. */
export function formatFindings(findings: readonly OwnFinding[]): string {
  return findings
    .map(
      ({ scorer, check, message, objects, stacks, reason }) =>
        `${reason === undefined ? "✗" : "·"} ${scorer} ${check}: ${objects.join(", ")} (${stacks.join(", ")})\n` +
        `    ${reason ?? message}`,
    )
    .join("\n");
}
