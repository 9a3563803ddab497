// One `make test` at a time on a machine: its stacks have fixed names and ports, whichever checkout it runs in.
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { UserError } from "@sandlot/toolchain/errors.js";
import { projectRoot } from "@sandlot/toolchain/paths.js";

/** Where the holder listens. A socket and no file with a process id: it cannot outlive its process. */
const socketPath = join(tmpdir(), "sandlot-test.sock");

/** Holds the lock until `work` has ended. @throws UserError when another run on this machine holds it. */
export async function withTestLock<T>(work: () => Promise<T>, path: string = socketPath): Promise<T> {
  const server = await hold(path);
  try {
    return await work();
  } finally {
    server.close();
  }
}

async function hold(path: string): Promise<Server> {
  const server = createServer((socket) => socket.end(`process ${process.pid}, in ${projectRoot}`));
  // Whoever asks does not keep this process from ending.
  server.unref();
  for (let last = false; ; last = true) {
    server.listen(path);
    try {
      await once(server, "listening");
      return server;
    } catch (error) {
      if (last || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      await refuseIfHeld(path);
      // Its process is gone without having closed it.
      rmSync(path, { force: true });
    }
  }
}

async function refuseIfHeld(path: string): Promise<void> {
  const socket = connect(path);
  let holder: string;
  try {
    await once(socket, "connect");
    holder = await text(socket);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ECONNREFUSED" || code === "ENOENT") return;
    throw error;
  }
  throw new UserError(
    `Another \`make test\` is under way on this machine (${holder}).`,
    "Wait until it has ended, or end that process: both would use the same names and ports.",
  );
}
