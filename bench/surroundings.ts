// What every benchmark gets: the stack, the environment for `docker` and `pulumi`, how to be stopped and how to clean up.
import type { Stack } from "../commands/support/stack-file.js";
import type { Cleanup } from "./cleanup.js";

/** The stack that benchmarks make and take down: stacks/Pulumi.bench.yaml. */
export const stackName = "bench";

/** Handed to every benchmark. */
export interface Surroundings {
  readonly stack: Stack;
  /** For calling `docker` and `pulumi`. */
  readonly env: NodeJS.ProcessEnv;
  /** Aborted when the run is interrupted or takes too long. */
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
}
