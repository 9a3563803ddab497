// Work that has the processors when nobody else wants them: other tests hold against the clock what they test.
import { execa } from "execa";

import { projectRoot } from "../../../toolchain/paths.js";

/**
 * The standard output of a program in TypeScript, an ES module at the root of the repository. It runs in a session of its own, and
 * ends with all that it has started when this process is interrupted or has gone.
 */
export async function runInBackground(program: string): Promise<string> {
  const whole = `import "./test/integration/support/background-process.js";\n${program}`;
  const node = [process.execPath, "--import", "tsx", "--input-type=module", "--eval", whole];
  const child = execa("nice", ["-n", "10", ...node], { cwd: projectRoot, detached: true });
  const stop = (): void => void child.stdin.end();
  process.once("SIGINT", stop);
  try {
    return (await child).stdout;
  } finally {
    process.off("SIGINT", stop);
  }
}
