// From nothing to the first program in a sandbox, by phase.
import { step } from "@sandlot/toolchain/progress.js";

import { readState } from "../commands/support/state.js";
import type { Figure } from "./figures.js";
import { make, makeUp } from "./make.js";
import { phasesOf, type Phase } from "./phases.js";
import type { Surroundings } from "./surroundings.js";

/** How long a start took, in milliseconds. */
export interface Start {
  readonly total: number;
  readonly phases: readonly Phase[];
}

/** Takes the stack and its data away; as it is also the way to clean up, nothing can interrupt it. */
async function takeDown(): Promise<void> {
  await step("Stack bench: down, with its data", (progress) =>
    make("down", { progress, variables: { VOLUMES: "1" } }),
  );
}

/** Makes the stack from nothing, every cache being warm. It stays until `down` is called, or the run ends. */
export async function warmStart({
  stack,
  signal,
  cleanup,
}: Surroundings): Promise<{ start: Start; down: () => Promise<void> }> {
  await takeDown();
  const down = cleanup.add("The stack bench (`make down STACK=bench VOLUMES=1`)", takeDown);
  const start = await step("make up from nothing, caches warm", async (progress) => {
    const { startedAt, ms, timings } = await makeUp({ signal, progress });
    return { total: ms, phases: phasesOf(startedAt, { timings, resources: readState(stack) }) };
  });
  return { start, down };
}

/** The rows of a warm start against a bare node, which the phase `cluster` can be held against as well. */
export function startFigures({ total, phases }: Start, bareNodeMs: number): Figure[] {
  const against = "docker run of the same node image until its node is Ready";
  const parts = phases.map(
    ({ name, ms }): Figure => ({
      figure: `  ${name}`,
      unit: "ms",
      ours: ms,
      ...(name.startsWith("cluster") ? { reference: bareNodeMs, against } : { against: "" }),
    }),
  );
  return [
    {
      figure: "nothing to first program, caches warm",
      unit: "ms",
      ours: total,
      reference: bareNodeMs,
      against,
    },
    ...parts,
  ];
}
