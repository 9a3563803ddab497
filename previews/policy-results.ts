// What the policies said of a preview. The JSON preview leaves it out (ShowPreviewDigest in pkg/backend/display/json.go
// skips policy events), so it is read from the engine's event log, one JSON object a line.
import { z } from "zod";

import { nameOf, typeOf } from "./preview.js";

const violation = z.object({
  policyName: z.string(),
  message: z.string().default(""),
  /** `advisory`, `mandatory`, `remediate` or `disabled`. */
  enforcementLevel: z.string(),
  resourceUrn: z.string().default(""),
});

const summary = z.object({
  passed: z.array(z.string()).default([]),
  failed: z.array(z.string()).default([]),
});

const event = z.object({
  policyEvent: violation.optional(),
  policyAnalyzeSummaryEvent: summary.optional(),
  policyAnalyzeStackSummaryEvent: summary.optional(),
});

/** A resource, or the whole stack, that breaks a policy. */
export interface Violation {
  readonly policy: string;
  /** Whether it stops an update. */
  readonly mandatory: boolean;
  /** As the engine gave it: secrets are found in it before it is put on one line. */
  readonly message: string;
  /** The resource's short type and name; empty for the stack as a whole. */
  readonly resource: string;
}

/** What the policies said. */
export interface PolicyResults {
  /** How many policies were held against the stack. */
  readonly policies: number;
  /** The mandatory ones first. */
  readonly violations: readonly Violation[];
}

/** Reads an event log; lines of other events are not even parsed, since they hold whole resources. */
export function parsePolicyEvents(log: string): PolicyResults {
  const policies = new Set<string>();
  const violations = new Map<string, Violation>();
  for (const line of log.split("\n")) {
    if (!/"policy(Event|AnalyzeSummaryEvent|AnalyzeStackSummaryEvent)":\{/.test(line.slice(0, 200))) continue;
    const { policyEvent, ...summaries } = parseEvent(line);
    for (const each of Object.values(summaries))
      for (const name of [...each.passed, ...each.failed]) policies.add(name);
    if (policyEvent === undefined) continue;
    const { policyName, message, enforcementLevel, resourceUrn } = policyEvent;
    policies.add(policyName);
    violations.set(JSON.stringify(policyEvent), {
      policy: policyName,
      mandatory: enforcementLevel !== "advisory",
      message,
      resource: resourceOf(resourceUrn),
    });
  }
  const sorted = [...violations.values()].sort((a, b) => Number(b.mandatory) - Number(a.mandatory));
  return { policies: policies.size, violations: sorted };
}

function parseEvent(line: string): z.output<typeof event> {
  try {
    return event.parse(JSON.parse(line));
  } catch {
    return {}; // the last line of an engine that was stopped
  }
}

function resourceOf(urn: string): string {
  const type = typeOf(urn).split(/[:/]/).at(-1) ?? "";
  return type === "" || type === "Stack" ? "" : `${type} ${nameOf(urn)}`;
}
