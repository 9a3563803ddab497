// The phases of one `make up` from nothing, out of the timings that it left and of the engine's state. Pure.
import type { StateResource } from "../commands/support/state.js";
import type { Timings } from "../commands/support/timings.js";

/** A phase and how long it took, in milliseconds. */
export interface Phase {
  readonly name: string;
  readonly ms: number;
}

/** The step of `make up` that runs a program in a sandbox. */
const firstProgramStep = "First program in a sandbox";

/** When the resource of this logical name was there, in milliseconds since 1970. */
function createdAt(resources: readonly StateResource[], name: string): number {
  const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
  if (found?.created === undefined) throw new Error(`the engine's state does not say when ${name} was made`);
  return Date.parse(found.created);
}

/**
 * Cuts one `make up` into its phases, each from the end of the one before: they add up to the whole. A node that becomes
 * Ready while the image is being loaded ends the phase `cluster`; what the image takes beyond that is `image load`.
 * @param startedAt when the command was typed, in milliseconds since 1970
 */
export function phasesOf(
  startedAt: number,
  { timings, resources }: { timings: Timings; resources: readonly StateResource[] },
): Phase[] {
  const stack = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  const made = resources.flatMap(({ created }) => (created === undefined ? [] : [Date.parse(created)]));
  const firstProgram = timings.steps[firstProgramStep];
  if (stack?.created === undefined || firstProgram === undefined) {
    throw new Error("the timings are not those of a `make up` that ran a program in a sandbox");
  }
  const end = timings.startedAt + timings.total;
  const marks: (readonly [string, number])[] = [
    ["setup: npm, Docker, engine, plugins, images", timings.startedAt + timings.updateAfter],
    ["engine: start until it runs the program", Date.parse(stack.created)],
    ["program: load and check", createdAt(resources, "cluster")],
    ["cluster: container until the node is Ready", createdAt(resources, "cluster-ready")],
    ["image load: what it takes beyond that", createdAt(resources, "sandbox-image-load")],
    ["platform: until its pods are Ready", Math.max(...made)],
    ["engine: end, outputs", end - firstProgram],
    ["first program", end],
  ];
  let last = startedAt;
  return marks.map(([name, until]) => {
    const ms = Math.max(0, until - last);
    last = Math.max(last, until);
    return { name, ms };
  });
}
