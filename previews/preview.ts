// The engine's JSON preview (`pulumi preview --json`), as far as it is read here. The shape is that of PreviewDigest in
// pkg/display/json.go of github.com/pulumi/pulumi; what is not listed is dropped, configuration above all.
import { z } from "zod";

const properties = z.record(z.string(), z.unknown());

const state = z.object({
  inputs: properties.default({}),
  outputs: properties.default({}),
  /** Outputs that the program or the provider declares secret. */
  additionalSecretOutputs: z.array(z.string()).default([]),
  protect: z.boolean().default(false),
  /** Removed from the stack without being deleted where it runs. */
  retainOnDelete: z.boolean().default(false),
});

const step = z.object({
  op: z.string(),
  urn: z.string(),
  oldState: state.optional(),
  newState: state.optional(),
  /** Names of changed properties. */
  diffReasons: z.array(z.string()).nullish(),
  /** Paths of properties that force a replacement. */
  replaceReasons: z.array(z.string()).nullish(),
  /** By property path: `add`, `delete` or `update`, with `-replace` behind it where it forces a replacement. */
  detailedDiff: z.record(z.string(), z.object({ kind: z.string(), inputDiff: z.boolean() })).nullish(),
});

const preview = z.object({
  steps: z.array(step).default([]),
  diagnostics: z
    .array(z.object({ message: z.string().default(""), severity: z.string().default("info") }))
    .default([]),
  /** How many resources by operation; missing when the preview broke off. */
  changeSummary: z.record(z.string(), z.number().int().nonnegative()).optional(),
});

/** A resource before or after the change. */
export type State = z.output<typeof state>;
/** What the engine would do to one resource. */
export type Step = z.output<typeof step>;
/** A whole preview. */
export type Preview = z.output<typeof preview>;

/** Reads the engine's standard output; undefined when it is no preview, as after a failure before the program ran. */
export function parsePreview(stdout: string): Preview | undefined {
  let json: unknown;
  try {
    json = JSON.parse(stdout);
  } catch {
    return undefined;
  }
  return preview.safeParse(json).data;
}

/** The type token in a URN, without the types of its parents: `kubernetes:apps/v1:Deployment`. */
export function typeOf(urn: string): string {
  return (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
}

/** The logical name in a URN. A name may contain `::` itself. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
