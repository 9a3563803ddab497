// The scorers' section of `make bench`: every stack's YAML, rendered by the engine, and a plain deployment beside it, through
// scorers that others wrote.
import { note, step } from "@sandlot/toolchain/progress.js";

import type { Cleanup } from "../cleanup.js";
import { renderManifests } from "./manifests.js";
import { prepareScorers } from "./scorers.js";
import { formatFindings, formatScores, ownFindings, type Scores } from "./table.js";

/** Takes the scores of every lasting stack and of the reference. */
export async function takeScores(signal: AbortSignal, cleanup: Cleanup): Promise<Scores[]> {
  const manifests = await renderManifests(cleanup);
  const scorers = await prepareScorers();
  if (!scorers.some(({ name }) => name === "checkov"))
    note("checkov is left out: there is no python3 with pip on this machine");
  const rows: Scores[] = [];
  for (const { name: scorer, score } of scorers) {
    const scores = await step(`Scorers: ${scorer}`, async () => {
      const taken = [];
      for (const each of manifests) taken.push([each.name, await score(each, signal)] as const);
      return Object.fromEntries(taken);
    });
    rows.push({ scorer, scores });
  }
  return rows;
}

/** The table and the findings, for people. */
export function describeScores(rows: readonly Scores[]): string {
  const findings = ownFindings(rows);
  return [formatScores(rows), ...(findings.length === 0 ? [] : [formatFindings(findings)])].join("\n\n");
}
