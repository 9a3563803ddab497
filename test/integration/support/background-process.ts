// The first import of a program that runs in the background (background.ts): where it stands among others, and when it ends.
import { existsSync, writeFileSync } from "node:fs";

/** Linux ranks by `nice` within a session only, and sessions by a value of their own (sched(7), "The autogroup feature"). */
const autogroup = "/proc/self/autogroup";

try {
  if (existsSync(autogroup)) writeFileSync(autogroup, "19");
} catch {
  // A system that lets nobody say so: it has the processors like others.
}

// A session of its own gets no signal of the terminal. Its input is closed by whoever began it, or with them.
process.stdin
  .resume()
  .on("close", () => process.kill(-process.pid, "SIGINT"))
  .unref();
