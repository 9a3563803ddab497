// Previews as the engine writes them, made from little: what it says of a step, and what a stack's run gave.
import { comment } from "../../../previews/comment.js";
import { Redactor } from "../../../previews/redactor.js";
import { reportOf, type EngineResult } from "../../../previews/report.js";

/** A step, in the engine's own words. */
export interface FixtureStep {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: object;
  readonly newState?: object;
  readonly detailedDiff?: Readonly<Record<string, { kind: string; inputDiff: boolean }>> | null;
  readonly replaceReasons?: readonly string[];
  readonly diffReasons?: readonly string[];
}

export const deploymentType = "kubernetes:apps/v1:Deployment";

/** The URN of a resource below a component, as most are. */
export function urn(type: string, name: string): string {
  return `urn:pulumi:dev::sandlot::sandlot:index:SandboxPlatform$${type}::${name}`;
}

/** A resource that changes from the properties `before` to `after`, at `paths`. */
export function changed(
  op: string,
  type: string,
  name: string,
  before: object,
  after: object,
  paths: Readonly<Record<string, string>> | null,
): FixtureStep {
  return {
    op,
    urn: urn(type, name),
    oldState: { type, inputs: before, outputs: { ...before, __inputs: before } },
    newState: { type, inputs: after },
    detailedDiff:
      paths &&
      Object.fromEntries(Object.entries(paths).map(([path, kind]) => [path, { kind, inputDiff: false }])),
  };
}

/** A resource that is new. */
export function created(type: string, name: string, inputs: object = {}): FixtureStep {
  return { op: "create", urn: urn(type, name), newState: { type, inputs }, detailedDiff: null };
}

/** A resource that goes. */
export function deleted(type: string, name: string, inputs: object = {}, state: object = {}): FixtureStep {
  return { op: "delete", urn: urn(type, name), oldState: { type, inputs, ...state }, detailedDiff: null };
}

/** A run of the engine with these steps, counted as it counts. */
export function run(
  steps: readonly FixtureStep[],
  { same = 0, ...rest }: Partial<EngineResult> & { same?: number; diagnostics?: readonly object[] } = {},
): EngineResult {
  const changeSummary: Record<string, number> = same === 0 ? {} : { same };
  for (const { op } of steps) changeSummary[op] = (changeSummary[op] ?? 0) + 1;
  const { diagnostics, ...result } = rest;
  return {
    stack: "dev",
    exitCode: 0,
    stdout: JSON.stringify({ steps, diagnostics, duration: 1, changeSummary }),
    stderr: "",
    events: "",
    ...result,
  };
}

/** A line of the event log about a violation. */
export function violation(
  policyName: string,
  message: string,
  level = "mandatory",
  resourceUrn = "",
): string {
  const policyEvent = { resourceUrn, message, color: "never", policyName, enforcementLevel: level };
  return JSON.stringify({ sequence: 1, timestamp: 1, policyEvent });
}

/** The comment on these runs. */
export function commentOn(...runs: readonly EngineResult[]): string {
  const redactor = new Redactor();
  const reports = runs.map((each) => reportOf(each, redactor));
  return comment(reports, redactor, { project: "sandlot" });
}
