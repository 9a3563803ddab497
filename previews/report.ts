// What is to be told of one stack: read from what the engine gave, secrets masked, nothing of it Markdown yet.
import { changesOf, operationOf, operations, type Change, type Operation } from "./changes.js";
import { parsePolicyEvents, type PolicyResults } from "./policy-results.js";
import { parsePreview, typeOf, type Preview, type State, type Step } from "./preview.js";
import type { Redactor } from "./redactor.js";
import { maskState } from "./secrets.js";

/** What a preview of one stack gave. */
export interface EngineResult {
  readonly stack: string;
  /** The engine's exit status; any but 0 is a failure. */
  readonly exitCode: number;
  /** The JSON preview. */
  readonly stdout: string;
  readonly stderr: string;
  /** The engine's event log. */
  readonly events: string;
}

/** How many resources by operation. */
export type Counts = ReadonlyMap<Operation | "same", number>;

/** What is to be told of a stack. */
export interface StackReport {
  readonly stack: string;
  readonly counts: Counts;
  readonly changes: readonly Change[];
  readonly policies: PolicyResults;
  /** Why the preview failed, in the engine's words; undefined when it did not, or only for policies. */
  readonly error?: string;
  /** Whether the stack would be made anew, there being no state of it. */
  readonly isNew: boolean;
}

/** Whether a stack cannot be updated as it is. */
export function hasFailed({ error, policies }: StackReport): boolean {
  return error !== undefined || policies.violations.some(({ mandatory }) => mandatory);
}

/** Reads what the engine gave. Secrets that turn up are handed to `redactor`. */
export function reportOf(result: EngineResult, redactor: Redactor): StackReport {
  const preview = parsePreview(result.stdout);
  const steps = (preview?.steps ?? []).map((step) => maskStep(step, redactor));
  const changes = changesOf(steps);
  const policies = parsePolicyEvents(result.events);
  const error = errorOf(result, preview, policies);
  return {
    stack: result.stack,
    counts: preview?.changeSummary === undefined ? countChanges(changes) : countsOf(preview.changeSummary),
    changes,
    policies,
    isNew: steps.some(({ op, urn }) => op === "create" && typeOf(urn) === "pulumi:pulumi:Stack"),
    ...(error === undefined ? {} : { error }),
  };
}

function maskStep(step: Step, redactor: Redactor): Step {
  const type = typeOf(step.urn);
  const { oldState, newState } = step;
  const found = (secret: string): void => {
    redactor.add(secret);
  };
  const declared = new Set([
    ...(oldState?.additionalSecretOutputs ?? []),
    ...(newState?.additionalSecretOutputs ?? []),
  ]);
  const masked = (state: State | undefined): State | undefined =>
    state && maskState(type, { ...state, additionalSecretOutputs: [...declared] }, found);
  return { ...step, oldState: masked(oldState), newState: masked(newState) };
}

/** Adds up; several of the engine's operations may be one here. */
function sum(counted: Iterable<readonly [Operation | "same", number]>): Counts {
  const counts = new Map<Operation | "same", number>();
  for (const [operation, count] of counted) counts.set(operation, (counts.get(operation) ?? 0) + count);
  const order = [...operations, "same"] as const;
  return new Map(
    order.flatMap((operation) => {
      const count = counts.get(operation) ?? 0;
      return count === 0 ? [] : [[operation, count] as const];
    }),
  );
}

function countsOf(changeSummary: Readonly<Record<string, number>>): Counts {
  return sum(
    Object.entries(changeSummary).map(
      ([op, count]) => [op === "same" ? op : operationOf(op), count] as const,
    ),
  );
}

/** Of a preview that broke off, what it came to. */
function countChanges(changes: readonly Change[]): Counts {
  return sum(changes.map(({ operation }) => [operation, 1] as const));
}

/** The engine's own words for a failure. */
function errorOf(
  { exitCode, stderr }: EngineResult,
  preview: Preview | undefined,
  { violations }: PolicyResults,
): string | undefined {
  const messages = (preview?.diagnostics ?? [])
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    // That it failed, the engine says besides why.
    .filter((message) => message.trim() !== "error: preview failed");
  if (messages.length > 0) return [...new Set(messages)].join("\n");
  if (exitCode === 0 && preview !== undefined) return undefined;
  if (violations.some(({ mandatory }) => mandatory) && preview !== undefined) return undefined;
  // Standard output that is no preview is not shown: it may be half of one, its secrets not yet masked.
  return stderr.trim() === "" ? `the engine ended with status ${exitCode} and gave no reason` : stderr;
}
