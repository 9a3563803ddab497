// Bytes that nobody takes, which are kept in memory for as long as their connection is open.
import type { Readable, Writable } from "node:stream";

/** Calls `end` when what is piped from one side has waited for `ms` until the other takes it. */
export function whenStalled(from: Readable, to: Writable, ms: number, end: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  const taken = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  from.on("pause", () => {
    // A source may pause for other reasons as well.
    if (to.writableNeedDrain) timer ??= setTimeout(end, ms);
  });
  to.on("drain", taken);
  // What is left when the source has ended waits no longer than the rest.
  to.once("finish", taken);
  to.once("close", taken);
}
