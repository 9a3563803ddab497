// Background work that is done again and again.
import type { Logger } from "pino";

/** Runs `work` now and then, one at a time; what goes wrong is logged and tried again. */
export function every(ms: number, log: Logger, work: () => Promise<void>): NodeJS.Timeout {
  let busy = false;
  return setInterval(() => {
    if (busy) return;
    busy = true;
    work()
      .catch((error: unknown) => {
        log.error({ err: error }, "background work failed; it is tried again");
      })
      .finally(() => {
        busy = false;
      });
  }, ms);
}
