// What both processes have in common: they end in order when told to, and say in plain lines what they cannot be told.
import type { Logger } from "pino";

import { SettingsError } from "./config/errors.js";

/**
 * Ends the process when it is told to: at once, or by what the returned function was given last, as soon as something may be under
 * way. As the first process of its container it would hear no signal without this, however long it waits for its cluster.
 */
export function endBySignal(log: Logger): (stop: () => Promise<void>) => void {
  let stop = (): Promise<void> => Promise.resolve();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      log.info({ signal }, "stopping");
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, "did not stop in order");
          process.exit(1);
        },
      );
    });
  }
  return (by) => {
    stop = by;
  };
}

/** Runs a process under a name. */
export function run(name: string, main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    if (error instanceof SettingsError)
      for (const problem of error.problems) console.error(`${name}: ${problem}`);
    else console.error(error);
    process.exit(1);
  });
}
