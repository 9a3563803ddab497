// What the entry points of the stand-ins share: their command line and their end.
import type { Plugin } from "./resource.js";
import { serve } from "./server.js";

const parentCheckMs = 2000;

/** Serves a plugin. Arguments of the process: the version to stand in for, flags of the engine, the engine's address. */
export async function main(makePlugin: (version: string) => Plugin): Promise<void> {
  const [version = "", ...rest] = process.argv.slice(2);
  const address = rest.at(-1);
  const session = await serve(makePlugin(version), address?.startsWith("-") === true ? undefined : address);
  endWithParent(() => {
    session.cancel();
  });
}

/** An engine that was killed cannot end its plugins: what they are doing is cancelled, then they end by themselves. */
function endWithParent(cancel: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    cancel();
    setTimeout(() => process.exit(1), exitGraceMs);
  }, parentCheckMs);
  timer.unref();
}

/** Longer than a command has to end once told to. */
const exitGraceMs = 6000;
