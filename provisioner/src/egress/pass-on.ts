// Bytes from one side to the other, at the pace of the slower one, as long as there is any.
import type { Readable, Writable } from "node:stream";

/** For how long bytes may wait until anybody takes them, as long as with nginx's `send_timeout`. Milliseconds. */
const stalledMs = 60_000;

/** Pipes; `end` is called when the other side does not take what there is for it: it is kept in memory until then. */
export function passOn(from: Readable, to: Writable, end: () => void): void {
  let timer: NodeJS.Timeout | undefined;
  const taken = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  from.on("pause", () => {
    // A source may pause for other reasons as well.
    if (to.writableNeedDrain) timer ??= setTimeout(end, stalledMs);
  });
  to.on("drain", taken);
  // What is left when the source has ended waits no longer than the rest.
  to.once("finish", taken);
  to.once("close", taken);
  from.pipe(to);
}
