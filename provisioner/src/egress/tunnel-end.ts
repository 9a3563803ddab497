// How the rest of a tunnel ends when one side of it has closed.
import { finished, type Duplex } from "node:stream";

/**
 * Ends the other side: at once if the one that closed had more to say, else when all that it said is sent on, however slowly that is
 * read. Whether anything is read at all is for a limit on idle sockets to watch.
 * @param lingerMs how long the other side may then keep what is left of the tunnel open, in milliseconds
 */
export function endAfter(closed: Duplex, other: Duplex, lingerMs: number): void {
  if (!closed.readableEnded) {
    other.destroy();
    return;
  }
  // What it says has nowhere to go, but behind it there may be its end.
  other.resume();
  finished(other, { readable: false }, () => setTimeout(() => other.destroy(), lingerMs).unref());
}
